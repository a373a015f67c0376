// Batches of small products. Peers: LIBXSMM beside our native code, torch.bmm beside matmul().
import { fmaPeak, matmul } from 'gradsift';
import { blasRows } from './peers/blas.mjs';
import { takeTurns, torchPeer } from './peers/torch.mjs';
import { medianSeconds } from './timer.mjs';

const BATCH = 1000;
const SIZES = [8, 16, 32, 64];

async function measure(dtype, Values, n, threads, torch) {
  const [a, b, out] = [0.5, 0.25, 0].map((value) => new Values(BATCH * n * n).fill(value));
  const ours = () => matmul(a, b, { m: n, k: n, n, batch: BATCH, out, threads });
  const rate = (seconds) => (2 * BATCH * n ** 3) / seconds / 1e9;
  const row = { case: `${dtype} ${BATCH} of n = ${n}`, threads, unit: 'GFLOP/s' };
  const peak = fmaPeak({ dtype, threads }) / 1e9;
  if (torch === undefined) {
    const { seconds } = await medianSeconds({ seconds: ours }, { seconds: 0.5 });
    return { ...row, value: rate(seconds), peak };
  }
  const turns = await takeTurns(ours, torch, `bmm ${dtype} ${BATCH} ${n} 1`);
  const peers = { 'torch.bmm': { value: rate(turns.peer), ratio: turns.ratio } };
  return { ...row, value: rate(turns.ours), peak, peers };
}

export default {
  op: 'matmul batched',
  async run({ threads, peers }) {
    const rows = [];
    for (const count of threads) {
      const torch = peers ? torchPeer(count) : undefined;
      for (const [dtype, Values] of Object.entries({ f32: Float32Array, f64: Float64Array })) {
        for (const n of SIZES) rows.push(await measure(dtype, Values, n, count, torch));
      }
      torch?.close();
    }
    return peers ? [...rows, ...blasRows('matmul-batched', { threads }, 'small')] : rows;
  },
};
