// HyperINF, fit and score: from float32 arrays in memory, and from a file that the system holds in memory. Peers: NumPy
// and PyTorch programs that do the same, each side at its better number of threads.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { influence, openGradients } from 'gradsift';
import { writeStore } from './stores.mjs';
import { medianSeconds } from './timer.mjs';

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

/** The first Python 3 on the PATH that has a module. */
function pythonWith(module) {
  const found = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'python3'));
  return found.find((path) => existsSync(path) && spawnSync(path, ['-c', `import ${module}`]).status === 0);
}

/** Best seconds of a Python program in a process of its own; undefined where it cannot run. */
function python(executable, args, threads) {
  const environment = { ...process.env, OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) };
  const options = { env: environment, encoding: 'utf8', maxBuffer: 1 << 28 };
  const { status, stdout } = spawnSync(executable, [peerProgram, ...args], options);
  return status === 0 ? Math.min(...JSON.parse(stdout).seconds) : undefined;
}

/** Seconds of each peer at its better number of threads. */
function peersOf(paths, source, repeats, threads) {
  const programs = { NumPy: ['numpy', pythonWith('numpy')], PyTorch: ['torch', pythonWith('torch')] };
  const peers = {};
  const measure = (name, executable, program, dtype, times, counts) => {
    if (executable === undefined) return;
    const args = [paths.train, paths.val, program, dtype, source, String(times)];
    const seconds = counts.map((count) => python(executable, args, count));
    if (!seconds.includes(undefined)) peers[name] = Math.min(...seconds);
  };
  for (const [name, [program, executable]] of Object.entries(programs)) {
    for (const dtype of ['float64', 'float32']) {
      measure(`${name} ${dtype}`, executable, program, dtype, repeats, threads);
    }
  }
  // Products too small for threads.
  if (source === 'memory') measure('loop over samples', programs.NumPy[1], 'loop', 'float32', 1, [1]);
  return peers;
}

async function measure(name, paths, source, { repeats, seconds }, threads, withPeers) {
  const open = source === 'memory' ? inMemory : openGradients;
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

function writeStores(folder, { samples, queries, ...shape }) {
  const train = writeStore(join(folder, 'train.safetensors'), { samples, ...shape });
  return { train, val: writeStore(join(folder, 'val.safetensors'), { samples: queries, ...shape }) };
}

export default {
  op: 'influence',
  async run({ threads, peers }) {
    const rows = [];
    const stores = { train: join(digits, 'train.safetensors'), val: join(digits, 'val.safetensors') };
    if (existsSync(stores.train)) {
      rows.push(...(await measure('digits-lora', stores, 'memory', { repeats: 41, seconds: 2 }, threads, peers)));
    }
    const folder = mkdtempSync(join(tmpdir(), 'gradsift-bench-'));
    try {
      const generated = writeStores(folder, { samples: 1000, queries: 50, layers: 24, r: 16, d: 1024 });
      for (const source of ['memory', 'file']) {
        const name = '1000 x 24 layers x 16 x 1024';
        rows.push(...(await measure(name, generated, source, { repeats: 2, seconds: 0 }, threads, peers)));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    return rows;
  },
};
