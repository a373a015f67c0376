// HyperINF, fit and score: from float32 arrays in memory, and from a file that the system holds in memory. Peers: NumPy
// and PyTorch programs that do the same, each side at its better number of threads.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { influence, openGradients } from 'gradsift';
import { writeStore } from './stores.mjs';
import { median, medianSeconds } from './timer.mjs';

const digits = fileURLToPath(new URL('../test/data/digits-lora', import.meta.url));
const peerProgram = fileURLToPath(new URL('peers/influence.py', import.meta.url));

/** The store at `path`, as typed arrays in memory. */
async function inMemory(path) {
  const store = await openGradients(path);
  const layers = {};
  for (const layer of store.layers) {
    for await (const { rows } of store.blocks(layer, { blockSamples: layer.samples })) {
      layers[layer.name] = { rows: rows.slice(), shape: [layer.samples, layer.r, layer.d] };
    }
  }
  await store.close();
  return openGradients({ layers });
}

/** A Python 3 that has a module: the system's, which has python3-numpy and python3-torch, before others on the PATH. */
function pythonWith(module) {
  const found = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)].map((folder) => join(folder, 'python3'));
  return found.find((path) => existsSync(path) && spawnSync(path, ['-c', `import ${module}`]).status === 0);
}

// glibc returns blocks to the system and gets them back page by page, up to a third of a program's time at these sizes.
// NumPy is measured as it comes, and told to keep its memory, as gradsift keeps its own.
const KEEP_MEMORY = { MALLOC_MMAP_THRESHOLD_: String(2 ** 33), MALLOC_TRIM_THRESHOLD_: String(2 ** 33) };

/** Median seconds of a Python program in a process of its own; undefined where it cannot run. */
function python(executable, args, threads, settings) {
  const counts = { OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) };
  // Kernels and blocks as the library itself chooses them, whatever this shell prescribes.
  const own = { OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined };
  const environment = { ...process.env, ...own, ...settings, ...counts };
  const options = { env: environment, encoding: 'utf8', maxBuffer: 1 << 28 };
  const { status, stdout } = spawnSync(executable, [peerProgram, ...args], options);
  return status === 0 ? median(JSON.parse(stdout).seconds) : undefined;
}

/** Seconds of each peer at its better number of threads. */
function peersOf(paths, source, repeats, threads) {
  const programs = { NumPy: ['numpy', pythonWith('numpy')], PyTorch: ['torch', pythonWith('torch')] };
  const peers = {};
  const measure = (name, executable, program, dtype, times, counts, settings = {}) => {
    if (executable === undefined) return;
    const args = [paths.train, paths.val, program, dtype, source, String(times)];
    const seconds = counts.map((count) => python(executable, args, count, settings));
    if (!seconds.includes(undefined)) peers[name] = Math.min(...seconds);
  };
  for (const [name, [program, executable]] of Object.entries(programs)) {
    for (const dtype of ['float64', 'float32']) {
      measure(`${name} ${dtype}`, executable, program, dtype, repeats, threads);
      if (program !== 'numpy') continue;
      measure(`${name} ${dtype}, memory kept`, executable, program, dtype, repeats, threads, KEEP_MEMORY);
    }
  }
  // Products too small for threads.
  if (source === 'memory') measure('loop over samples', programs.NumPy[1], 'loop', 'float32', 1, [1]);
  return peers;
}

/** Rows of one pair of stores. */
export async function measure(name, paths, source, { repeats, seconds }, threads, withPeers) {
  // No SHA-256 of the files beside programs that compute none.
  const open = source === 'memory' ? inMemory : (path) => openGradients(path, { hash: false });
  const candidates = {};
  const kept = source === 'memory' ? [await open(paths.train), await open(paths.val)] : undefined;
  for (const gramPrecision of ['f64', 'f32']) {
    for (const count of threads) {
      candidates[`${gramPrecision} ${count}`] = async () => {
        const [train, val] = kept ?? [await open(paths.train), await open(paths.val)];
        await influence({ train, val, methods: ['hyperinf'], gramPrecision, threads: count });
        if (kept === undefined) await Promise.all([train.close(), val.close()]);
      };
    }
  }
  const ours = await medianSeconds(candidates, { seconds, minimum: repeats });
  const peers = withPeers ? peersOf(paths, source, repeats, threads) : {};
  return Object.entries(ours).map(([key, value]) => {
    const [gramPrecision, count] = key.split(' ');
    return { case: `${name}, ${source}, gram ${gramPrecision}`, threads: Number(count), unit: 's', value, peers };
  });
}

/** Rows of generated stores, from each of the `sources`. */
export async function measureGenerated(name, { samples, queries, ...shape }, sources, rounds, threads, withPeers) {
  const folder = mkdtempSync(join(tmpdir(), 'gradsift-bench-'));
  try {
    const train = writeStore(join(folder, 'train.safetensors'), { samples, ...shape });
    const val = writeStore(join(folder, 'val.safetensors'), { samples: queries, ...shape });
    const rows = [];
    for (const source of sources)
      rows.push(...(await measure(name, { train, val }, source, rounds, threads, withPeers)));
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export default {
  op: 'influence',
  async run({ threads, peers }) {
    const stores = { train: join(digits, 'train.safetensors'), val: join(digits, 'val.safetensors') };
    const shape = { samples: 2000, queries: 100, layers: 8, r: 8, d: 512 };
    const rounds = { repeats: 5, seconds: 2 };
    return [
      ...(existsSync(stores.train)
        ? await measure('digits-lora', stores, 'memory', { repeats: 101, seconds: 2 }, threads, peers)
        : []),
      ...(await measureGenerated('2000 x 8 layers x 8 x 512', shape, ['memory'], rounds, threads, peers)),
    ];
  },
};
