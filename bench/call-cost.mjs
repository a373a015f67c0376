// What a call costs beside its work: into the addon and back, and a checked call with three arrays of 16 numbers.
import { matmul } from 'gradsift';
import { binding } from '../dist/esm/native/binding.js';
import { medianSeconds } from './timer.mjs';

const CALLS = 100_000;

export default {
  op: 'call cost',
  async run() {
    const [a, b, out] = [1, 2, 0].map((value) => new Float32Array(16).fill(value));
    const options = { m: 4, n: 4, k: 4, out, threads: 1 };
    const calls = {
      'no-op: cancel() of an unknown job': () => binding.cancel(0),
      'matmul of 4 x 4, out given': () => matmul(a, b, options),
    };
    const rows = [];
    for (const [name, call] of Object.entries(calls)) {
      const many = () => {
        for (let i = 0; i < CALLS; ++i) call();
      };
      const { seconds } = await medianSeconds({ seconds: many }, { seconds: 0.5 });
      rows.push({ case: name, threads: 1, unit: 'ns', value: (seconds / CALLS) * 1e9 });
    }
    return rows;
  },
};
