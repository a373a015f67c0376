// HyperINF, fit and score in process, from float32 arrays in memory; peers: NumPy programs that do the same.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Median seconds of a NumPy program in a process of its own; undefined where there is no NumPy. */
function numpy(paths, variant, repeats, threads) {
  const environment = { ...process.env, OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) };
  const args = [peerProgram, paths.train, paths.val, variant, String(repeats)];
  const { status, stdout } = spawnSync('python3', args, { env: environment, encoding: 'utf8', maxBuffer: 1 << 28 });
  return status === 0 ? median(JSON.parse(stdout).seconds) : undefined;
}

function peersOf(paths, repeats, threads) {
  const peers = {};
  for (const variant of ['float64', 'float32', 'loop']) {
    // Each side at its better thread count; the loop over samples has products too small for threads.
    const counts = variant === 'loop' ? [1] : threads;
    const seconds = counts.map((count) => numpy(paths, variant, variant === 'loop' ? 1 : repeats, count));
    if (seconds.includes(undefined)) continue;
    peers[`NumPy ${variant}`] = Math.min(...seconds);
  }
  return peers;
}

async function measure(name, paths, repeats, threads, withPeers) {
  const [train, val] = await Promise.all([inMemory(paths.train), inMemory(paths.val)]);
  const candidates = {};
  for (const gramPrecision of ['f64', 'f32']) {
    for (const count of threads) {
      candidates[`${gramPrecision} ${count}`] = () =>
        influence({ train, val, methods: ['hyperinf'], gramPrecision, threads: count });
    }
  }
  const ours = await medianSeconds(candidates, { seconds: 2, minimum: repeats });
  const peers = withPeers ? peersOf(paths, repeats, threads) : {};
  return Object.entries(ours).map(([key, value]) => {
    const [gramPrecision, count] = key.split(' ');
    return { case: `${name}, gram ${gramPrecision}`, threads: Number(count), unit: 's', value, peers };
  });
}

export default {
  op: 'influence',
  async run({ threads, peers }) {
    const folder = mkdtempSync(join(tmpdir(), 'gradsift-bench-'));
    try {
      const shape = { layers: 8, r: 8, d: 512 };
      const generated = {
        train: writeStore(join(folder, 'train.safetensors'), { samples: 2000, ...shape }),
        val: writeStore(join(folder, 'val.safetensors'), { samples: 100, ...shape }),
      };
      const stores = { train: join(digits, 'train.safetensors'), val: join(digits, 'val.safetensors') };
      const rows = existsSync(stores.train) ? await measure('digits-lora', stores, 41, threads, peers) : [];
      return [...rows, ...(await measure('2000 x 8 layers x 8 x 512', generated, 5, threads, peers))];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
