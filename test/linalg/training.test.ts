// The passes of a training step in native code, as lib/tfjs/kernels/ calls them: against float64 by their definitions,
// on every instruction set, and to the last bit between numbers of threads.
import { callSync } from '../../lib/native/calls.js';
import { bits, ISAS, MISSING, restore, select } from './isas.js';
import { thrownCode } from './matrices.js';
import { PASSES, type Pass } from './training-passes.js';

function run({ operation, args, results }: Pass, threads: number): Float32Array[] {
  callSync(operation, args, { threads });
  return results.map((result) => args[result.at] as Float32Array);
}

const SIZES = [[3, 1], [2, 4], [5, 7], [1, 16], [4, 17], [3, 33], [20, 65], [2, 130]] as const; // prettier-ignore

describe.each(ISAS)('on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  test.each(PASSES)('%s: the definition', (_, make) => {
    for (const [rows, columns] of SIZES) {
      const pass = make(rows, columns);
      const found = run(pass, 1);
      for (const [which, { expected }] of pass.results.entries()) {
        for (const [i, actual] of (found[which] as Float32Array).entries()) {
          const { value, bound } = expected(i);
          const near = Math.abs(actual - value) <= bound;
          if (near) continue;
          throw new Error(`${rows} x ${columns}, result ${which}[${i}]: ${actual}, expected ${value} +- ${bound}`);
        }
      }
    }
  });

  test.each(PASSES)('%s: the same bits on any number of threads', (_, make) => {
    const [rows, columns] = [640, 870]; // above the size from which threads share a pass
    const [first, ...others] = [1, 2, 3, 7].map((threads) => run(make(rows, columns), threads).map(bits));
    for (const other of others) {
      for (const [i, each] of other.entries()) expect(each.equals(first?.[i] as Buffer)).toBe(true);
    }
  });

  test('NaN and infinity pass through', () => {
    const x = Float32Array.of(1, NaN, 2, 3);
    const out = new Float32Array(4);
    callSync('softmax', [x, out, 1, 4, 1, false]);
    expect([...out]).toEqual([NaN, NaN, NaN, NaN]);
    callSync('gelu', [x, out, 4]);
    expect(out[1]).toBeNaN();
    callSync('gelu', [Float32Array.of(Infinity, 30, -30, -100), out, 4]);
    expect([...out].map(Math.abs)).toEqual([Infinity, 30, 0, 0]);
    callSync('softmax', [Float32Array.of(-Infinity, 0, -200, 0), out, 1, 4, 1, false]);
    expect([...out]).toEqual([0, 0.5, 0, 0.5]);
    callSync('axisSum', [x, out, 1, 4, 1, 1]);
    expect(out[0]).toBeNaN();
  });

  test('a label out of range gives NaN, and reads nothing', () => {
    const [x, out, dx] = [new Float32Array(6), new Float32Array(2), new Float32Array(6)];
    callSync('crossEntropy', [x, Int32Array.of(3, -1), out, 2, 3]);
    callSync('crossEntropyGradient', [x, Int32Array.of(3, -1), out.fill(1), dx, 2, 3]);
    expect([...dx]).toEqual(Array.from({ length: 6 }, () => NaN));
  });
});

test.each(PASSES)('%s: sizes that the arrays do not have are refused', (_, make) => {
  const { operation, args } = make(4, 8);
  for (const [i, value] of args.entries()) {
    if (!ArrayBuffer.isView(value)) continue;
    const short = [...args.slice(0, i), value.subarray(0, value.length - 1), ...args.slice(i + 1)];
    expect(thrownCode(() => callSync(operation, short))).toBe('GRADSIFT_NATIVE');
  }
});

if (MISSING.length > 0) test.skip.each(MISSING)('%s', () => undefined);
