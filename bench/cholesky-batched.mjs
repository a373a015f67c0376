// Batches of small solves and inverses, 8 right-hand sides, spectra of about kappa 1e3; the hyperpower ways beside.
// Peers: PyTorch's cholesky + cholesky_solve, inv, and cholesky + cholesky_inverse.
import { choleskyInverse, choleskySolve, gfim, hyperpowerInverse, hyperpowerSolve } from 'gradsift';
import { normals } from './fisher.mjs';
import { takeTurns, torchPeer } from './peers/torch.mjs';
import { medianSeconds } from './timer.mjs';

const BATCH = 4096;
const RHS = 8;
const DAMPING = 0.004; // of matrices whose largest eigenvalue is about 4: kappa 1e3

/** Different matrices X X' / n, each of n samples. */
function matrices(n) {
  const different = Array.from({ length: 16 }, (_, i) => gfim(normals(i + 1, n * n), { samples: n, r: 1, d: n }));
  const a = new Float32Array(BATCH * n * n);
  for (let b = 0; b < BATCH; ++b) a.set(different[b % different.length], b * n * n);
  return a;
}

async function measure(n, threads, torch) {
  const a = matrices(n);
  const v = Float32Array.from({ length: BATCH * RHS * n }, (_, i) => Math.sin(i));
  const [h, x] = [new Float32Array(v.length), new Float32Array(a.length)];
  const options = { n, batch: BATCH, damping: DAMPING, threads };
  const solve = { ...options, rhs: RHS, out: h, tolerance: 1e-4 };
  const invert = { ...options, out: x, tolerance: 1e-3 };
  const cases = {
    choleskySolve: [() => choleskySolve(a, v, solve), { 'torch cholesky + cholesky_solve': 'solve' }],
    'hyperpowerSolve mixed': [() => hyperpowerSolve(a, v, { ...solve, precision: 'mixed' }), {}],
    choleskyInverse: [
      () => choleskyInverse(a, invert),
      { 'torch.linalg.inv': 'inv', 'torch cholesky + cholesky_inverse': 'cholesky_inverse' },
    ],
    hyperpowerInverse: [() => hyperpowerInverse(a, invert), {}],
  };
  const rows = [];
  for (const [name, [ours, requests]] of Object.entries(cases)) {
    const { status, residual } = ours();
    const told = `${status}, residual ${residual.toExponential(0)}`;
    const row = { case: `${name} f32 ${BATCH} of n = ${n} (${told})`, threads, unit: 's', peers: {} };
    if (torch === undefined || Object.keys(requests).length === 0) {
      row.value = (await medianSeconds({ ours }, { seconds: 0.5 })).ours;
    } else {
      for (const [peer, request] of Object.entries(requests)) {
        const turns = await takeTurns(ours, torch, `${request} f32 ${BATCH} ${n} ${RHS}`);
        row.value ??= turns.ours;
        row.peers[peer] = { value: turns.peer, ratio: turns.ratio };
      }
    }
    rows.push(row);
  }
  return rows;
}

export default {
  op: 'cholesky batched',
  async run({ threads, peers }) {
    const rows = [];
    for (const count of threads) {
      const torch = peers ? torchPeer(count) : undefined;
      for (const n of [16, 32, 64]) rows.push(...(await measure(n, count, torch)));
      torch?.close();
    }
    return rows;
  },
};
