// What a call costs beside its work: into the addon and back, and a checked call with three arrays of 16 numbers.
import { measure } from 'mitata';
import { matmul } from 'gradsift';
import { binding } from '../dist/esm/native/binding.js';

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
      const { p50 } = await measure(call); // batches of calls where one is shorter than the clock can tell
      rows.push({ case: name, threads: 1, unit: 'ns', value: p50 });
    }
    return rows;
  },
};
