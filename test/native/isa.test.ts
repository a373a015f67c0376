// Operation x instruction set against portable. The inputs are small integers, whose sums of products are exact in
// float32 in any order: every instruction set must give the same bits, whatever its tiles. Tests of each operation
// against its own oracle, with derived bounds, lie in test/linalg/.
import { fmaPeak } from '../../lib/linalg/fma-peak.js';
import { readPeak } from '../../lib/linalg/read-peak.js';
import { gfim } from '../../lib/linalg/gfim.js';
import { matmul } from '../../lib/linalg/matmul.js';
import { nearestCentroid } from '../../lib/linalg/nearest-centroid.js';
import { rowGram } from '../../lib/linalg/row-gram.js';
import { addRowsByLabel } from '../../lib/linalg/rows-by-label.js';
import { addRowGram, addWeightedRows, rowDots, rowNorms } from '../../lib/linalg/rows.js';
import { symmetricProduct } from '../../lib/linalg/symmetric-product.js';
import { widen } from '../../lib/linalg/widen.js';
import { binding } from '../../lib/native/binding.js';
import { bits, dice, DTYPES, integers, ISAS, MISSING, restore } from '../linalg/isas.js';

const f64 = (seed: number, length: number) => integers('f64', seed, length) as Float64Array;

/** Every operation on shapes drawn by `seed`. */
function results(seed: number): Record<string, ArrayBufferView> {
  const roll = dice(seed);
  const size = () => 1 + roll(roll(4) === 0 ? 300 : 60);
  const [m, n, k, queries] = [size(), size(), size(), 1 + roll(6)] as const;
  const out: Record<string, ArrayBufferView> = {};
  for (const dtype of DTYPES) {
    const [a, b] = [integers(dtype, seed, m * k), integers(dtype, seed + 1, k * n)];
    const square = integers(dtype, seed + 2, n * n);
    for (let i = 0; i < n; ++i) for (let j = 0; j < i; ++j) square[j * n + i] = square[i * n + j] as number;
    out[`matmul ${dtype}`] = matmul(a, b, { m, n, k });
    out[`matmul transposed ${dtype}`] = matmul(a, b, { m, n, k, ldA: m, ldB: k, transposeA: true, transposeB: true });
    out[`symmetricProduct ${dtype}`] = symmetricProduct(square, square, { n, gamma: 1 });
    for (const gramPrecision of ['f64', 'f32'] as const) {
      const shape = { samples: m, r: 1, d: k, scale: 1, gramPrecision };
      out[`gfim ${dtype} ${gramPrecision}`] = gfim(a, shape);
      out[`gfim rows ${dtype} ${gramPrecision}`] = gfim(a, { ...shape, samples: 1, r: m, side: 'rows' });
    }
    out[`rowGram ${dtype}`] = rowGram(a, { count: m, length: k });
    out[`rowDots ${dtype}`] = rowDots(a, f64(seed + 3, queries * k), { count: m, length: k, queries });
    out[`addWeightedRows ${dtype}`] = addWeightedRows(a, f64(seed + 4, queries * m), { count: m, length: k, queries });
    out[`addRowGram ${dtype}`] = addRowGram(a, { count: m, length: k });
    out[`rowNorms ${dtype}`] = rowNorms(a, { count: m, length: k });
  }
  const [x, c] = [integers('f32', seed, m * k), integers('f32', seed + 1, n * k)] as [Float32Array, Float32Array];
  const { labels, scores } = nearestCentroid(x, c, { count: m, length: k, clusters: n });
  Object.assign(out, {
    labels,
    scores,
    addRowsByLabel: addRowsByLabel(x, labels, { count: m, length: k, segments: n }),
  });
  const half = Uint16Array.from({ length: n }, () => roll(0x7c00));
  out['widen F16'] = widen(half, 'F16');
  out['widen BF16'] = widen(half, 'BF16');
  return out;
}

afterAll(restore);

test.each(ISAS.slice(0, -1))('%s gives the bits of portable where all sums are exact', (isa) => {
  for (let seed = 1; seed <= 25; ++seed) {
    binding.selectIsa('portable');
    const expected = results(seed);
    binding.selectIsa(isa);
    const actual = results(seed);
    const different = Object.keys(expected).filter(
      (name) => !bits(actual[name] as ArrayBufferView).equals(bits(expected[name] as ArrayBufferView)),
    );
    expect([seed, different]).toEqual([seed, []]);
  }
});

test.each(ISAS)('%s does multiply-adds, more with wider registers', (isa) => {
  binding.selectIsa(isa);
  const peak = fmaPeak({ threads: 1 });
  expect(peak).toBeGreaterThan(1e8); // any machine with a clock of over 100 MHz
  expect(fmaPeak({ dtype: 'f64', threads: 1 })).toBeLessThan(2 * peak);
});

test.each(ISAS)('%s reads memory', (isa) => {
  binding.selectIsa(isa);
  expect(readPeak(new Float32Array(1_000_003), { threads: 2 })).toBeGreaterThan(1e7);
});

if (MISSING.length > 0) test.skip.each(MISSING)('%s', () => undefined);
