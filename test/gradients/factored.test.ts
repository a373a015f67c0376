// Against the rows, formed in float64. Every bound is a count of float32 roundings of one sum, times the same sum of
// absolute values.
import { domainGradients, factoredSums } from '../../lib/gradients/factored-sums.js';
import { factoredDots, factoredGram, factoredNorms } from '../../lib/gradients/factored-products.js';
import { factoredGfim } from '../../lib/gradients/factored-gfim.js';
import { factoredRows, positionsOf, type FactoredLayer, type FactoredTerm } from '../../lib/gradients/factored.js';
import { dot, normals, thrownCode, U32 } from '../linalg/matrices.js';

const floats = (seed: number, length: number) => Float32Array.from(normals(seed, length));
const SAMPLES = 5;

function denseTerm(seed: number, positions: number, r: number, d: number): FactoredTerm {
  const rows = SAMPLES * positions;
  return { positions, left: floats(seed, rows * r), right: floats(seed + 1, rows * d) };
}

function indexedTerm(seed: number, positions: number, r: number, d: number): FactoredTerm {
  const rows = SAMPLES * positions;
  const left = Int32Array.from({ length: rows }, (_, at) => (at * at + seed) % r);
  return { positions, left, right: floats(seed, rows * d) };
}

const layerOf = (name: string, r: number, d: number, ...terms: FactoredTerm[]): FactoredLayer => ({
  name,
  samples: SAMPLES,
  r,
  d,
  terms,
});

// Shapes for which each operation takes each of its ways.
const LAYERS: readonly FactoredLayer[] = [
  layerOf('one position', 7, 4, denseTerm(1, 1, 7, 4)),
  layerOf('one position, wide', 40, 30, denseTerm(2, 1, 40, 30)),
  layerOf('a vector', 1, 6, { positions: 1, left: new Int32Array(SAMPLES), right: floats(3, SAMPLES * 6) }),
  layerOf('a sequence, few rows', 2, 9, denseTerm(4, 8, 2, 9)),
  layerOf('a sequence, many rows', 30, 20, denseTerm(5, 3, 30, 20)),
  layerOf('an embedding', 11, 5, indexedTerm(6, 4, 11, 5)),
  layerOf('an embedding, tied', 12, 5, indexedTerm(7, 3, 12, 5), denseTerm(8, 3, 12, 5)),
  layerOf('used twice', 30, 20, denseTerm(9, 2, 30, 20), denseTerm(10, 1, 30, 20)),
];

/** [samples, r, d] in float64, of the factors or of their absolute values. */
function exactRows(layer: FactoredLayer, sizes = false): Float64Array {
  const { samples, r, d, terms } = layer;
  const out = new Float64Array(samples * r * d);
  const part = sizes ? Math.abs : (value: number) => value;
  for (const { positions, left, right } of terms) {
    const indexed = left instanceof Int32Array;
    for (let row = 0; row < samples * positions; ++row) {
      const sample = Math.floor(row / positions);
      for (let a = 0; a < r; ++a) {
        const factor = indexed ? Number(left[row] === a) : part(left[row * r + a] as number);
        for (let b = 0; b < d; ++b) out[(sample * r + a) * d + b]! += factor * part(right[row * d + b] as number);
      }
    }
  }
  return out;
}

const rowOf = ({ r, d }: FactoredLayer, rows: Float64Array, i: number) => rows.subarray(i * r * d, (i + 1) * r * d);

/** Roundings of one inner product of two gradients: over r, d and the positions of both, and of what leads there. */
const roundings = (layer: FactoredLayer) => layer.r + layer.d + 4 * positionsOf(layer) + 8;

function expectWithin(actual: ArrayLike<number>, exact: ArrayLike<number>, bound: (at: number) => number): void {
  expect(actual.length).toBe(exact.length);
  const outside = Array.from(exact).flatMap((value, at) =>
    Math.abs((actual[at] as number) - value) <= bound(at) ? [] : [{ at, value, actual: actual[at] }],
  );
  expect(outside).toEqual([]);
}

describe.each(LAYERS.map((layer) => [layer.name, layer] as const))('%s', (_name, layer) => {
  const { r, d } = layer;
  const rows = exactRows(layer);
  const sizes = exactRows(layer, true);
  const all = Array.from({ length: SAMPLES }, (_, i) => i);

  test('rows', () => {
    expectWithin(factoredRows(layer), rows, (at) => (positionsOf(layer) + 1) * U32 * (sizes[at] as number));
    const some = factoredRows(layer, { start: 2, samples: 2 });
    expect([...some]).toEqual([...factoredRows(layer).subarray(2 * r * d, 4 * r * d)]);
  });

  test('norms', () => {
    const exact = all.map((i) => dot(rowOf(layer, rows, i), rowOf(layer, rows, i)));
    const bound = (i: number) => roundings(layer) * U32 * dot(rowOf(layer, sizes, i), rowOf(layer, sizes, i));
    expectWithin(factoredNorms([layer]), exact, bound);
    expectWithin(
      factoredNorms([layer, layer]),
      exact.map((value) => 2 * value),
      (i) => 2 * bound(i),
    );
  });

  test.each([1, 3])('inner products with %i directions', (queries) => {
    const h = floats(20, queries * r * d);
    const dots = factoredDots([layer], { [layer.name]: h }, { queries });
    const pair = (values: ArrayLike<number>, rowsOf: Float64Array, at: number) =>
      dot(
        Array.from(values).slice(Math.floor(at / SAMPLES) * r * d, (Math.floor(at / SAMPLES) + 1) * r * d),
        rowOf(layer, rowsOf, at % SAMPLES),
      );
    const exact = Array.from(dots, (_, at) => pair(h, rows, at));
    const absolute = h.map(Math.abs);
    expectWithin(dots, exact, (at) => roundings(layer) * U32 * pair(absolute, sizes, at));
    const double = factoredDots([layer], { [layer.name]: Float64Array.from(h) }, { queries });
    expect([...double]).toEqual([...dots]);
  });

  test('inner products of all pairs', () => {
    const pair = (of: Float64Array, at: number) =>
      dot(rowOf(layer, of, Math.floor(at / SAMPLES)), rowOf(layer, of, at % SAMPLES));
    const gram = factoredGram([layer]);
    const exact = Array.from(gram, (_, at) => pair(rows, at));
    expectWithin(gram, exact, (at) => roundings(layer) * U32 * pair(sizes, at));
  });

  test.each(['columns', 'rows'] as const)('GFIM, side %s', (side) => {
    const n = side === 'columns' ? d : r;
    const entry = (of: Float64Array, i: number, a: number, b: number) => {
      const g = rowOf(layer, of, i);
      let sum = 0;
      for (let t = 0; t < (side === 'columns' ? r : d); ++t) {
        const [x, y] = side === 'columns' ? [t * d + a, t * d + b] : [a * d + t, b * d + t];
        sum += (g[x] as number) * (g[y] as number);
      }
      return sum / SAMPLES;
    };
    const mean = (of: Float64Array, at: number) =>
      all.reduce((sum, i) => sum + entry(of, i, Math.floor(at / n), at % n), 0);
    const g = factoredGfim(layer, { side });
    const exact = Array.from(g, (_, at) => mean(rows, at));
    expectWithin(g, exact, (at) => roundings(layer) * U32 * mean(sizes, at));
    expect(g.every((value, at) => value === g[(at % n) * n + Math.floor(at / n)])).toBe(true);
    const twice = factoredGfim(layer, { side, out: g.slice() });
    expectWithin(
      twice,
      g.map((value) => 2 * value),
      (at) => 4 * U32 * Math.abs(mean(sizes, at)),
    );
    expect(factoredGfim(layer, { side, threads: 2 })).toEqual(factoredGfim(layer, { side, threads: 1 }));
  });

  test('sums and means of groups', () => {
    const weights = [1, -2, 0.5, 3, 1];
    const groupOf = [1, 0, 1, -1, 0];
    const sums = factoredSums(layer, { groups: 3, groupOf, weights });
    const total = (of: Float64Array, at: number, size: (value: number) => number) =>
      all
        .filter((i) => groupOf[i] === Math.floor(at / (r * d)))
        .reduce((sum, i) => sum + size(weights[i] as number) * (of[i * r * d + (at % (r * d))] as number), 0);
    const exact = Array.from(sums, (_, at) => total(rows, at, (weight) => weight));
    const count = SAMPLES * positionsOf(layer) + 2;
    expectWithin(sums, exact, (at) => count * U32 * total(sizes, at, Math.abs));

    // Groups of one size are one batched product: as the groups one by one.
    const pairs = factoredSums(layer, { groups: 2, groupOf: [0, 1, -1, 1, 0] });
    const first = factoredSums(layer, { groups: 2, groupOf: [0, -1, -1, -1, 0] });
    const second = factoredSums(layer, { groups: 2, groupOf: [-1, 1, -1, 1, -1] });
    expect(pairs).toEqual(first.map((value, at) => value + (second[at] as number)));

    const means = domainGradients([layer], ['b', 'a', 'b', 'b', 'a']);
    expect(means).toMatchObject({ domains: ['b', 'a'], counts: [3, 2] });
    const own = factoredSums(layer, { groups: 2, groupOf: [0, 1, 0, 0, 1], scales: [1 / 3, 0.5] });
    expect(means.layers[layer.name]).toEqual(own);
    // Into memory that was used before, with a domain that has no sample.
    const used = { [layer.name]: new Float32Array(3 * r * d).fill(7) };
    const into = domainGradients([layer], ['b', 'a', 'b', 'b', 'a'], { domains: ['b', 'none', 'a'], out: used });
    expect(into).toMatchObject({ domains: ['b', 'none', 'a'], counts: [3, 0, 2] });
    expect([...(used[layer.name] as Float32Array)]).toEqual([
      ...own.subarray(0, r * d),
      ...new Float32Array(r * d),
      ...own.subarray(r * d),
    ]);
  });
});

describe('what is refused', () => {
  const good = layerOf('w', 3, 2, denseTerm(1, 1, 3, 2));
  const term = good.terms[0] as FactoredTerm;
  test.each<[string, FactoredLayer, string]>([
    ['no terms', { ...good, terms: [] }, 'GRADSIFT_ARGUMENT'],
    ['a short factor', { ...good, terms: [{ ...term, left: new Float32Array(2) }] }, 'GRADSIFT_SHAPE'],
    ['another type', { ...good, terms: [{ ...term, right: [] as unknown as Float32Array }] }, 'GRADSIFT_DTYPE'],
    ['an index out of range', layerOf('e', 3, 2, { ...indexedTerm(1, 1, 9, 2) }), 'GRADSIFT_ARGUMENT'],
    ['no samples', { ...good, samples: 0 }, 'GRADSIFT_ARGUMENT'],
  ])('%s', (_what, layer, code) => {
    expect(thrownCode(() => factoredNorms([layer]))).toBe(code);
    expect(thrownCode(() => factoredGfim(layer))).toBe(code);
    expect(thrownCode(() => factoredSums(layer))).toBe(code);
  });

  test('directions, groups, weights and layers that do not fit', () => {
    expect(thrownCode(() => factoredDots([good], {}))).toBe('GRADSIFT_SHAPE');
    expect(thrownCode(() => factoredDots([good], { w: new Float64Array(5) }))).toBe('GRADSIFT_SHAPE');
    expect(thrownCode(() => factoredSums(good, { groups: 2, groupOf: [0, 1, 2, 0, 0] }))).toBe('GRADSIFT_ARGUMENT');
    expect(thrownCode(() => factoredSums(good, { weights: [1] }))).toBe('GRADSIFT_SHAPE');
    expect(thrownCode(() => factoredSums(good, { scales: [1, 2] }))).toBe('GRADSIFT_SHAPE');
    expect(thrownCode(() => factoredSums(good, { out: new Float32Array(7) }))).toBe('GRADSIFT_SHAPE');
    expect(thrownCode(() => domainGradients([good], Array(5).fill('c'), { domains: ['a'] }))).toBe('GRADSIFT_ARGUMENT');
    expect(() => domainGradients([good], ['a', 'b'])).toThrow('domainOf: expected a domain for each of the 5 samples');
    expect(() => domainGradients([good], Array(5).fill('a'), { domains: ['a', 'a'] })).toThrow('domains: expected');
    expect(thrownCode(() => factoredNorms([]))).toBe('GRADSIFT_ARGUMENT');
    expect(thrownCode(() => factoredGram([good], [{ ...good, name: 'v' }]))).toBe('GRADSIFT_SHAPE');
    expect(thrownCode(() => factoredRows(good, { start: 3, samples: 3 }))).toBe('GRADSIFT_ARGUMENT');
  });
});
