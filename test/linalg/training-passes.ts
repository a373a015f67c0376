// The passes of a training step by their definitions, in float64, and how far float32 may be from them.
import type { OperationName } from '../../lib/native/binding.js';
import { dice, random } from './isas.js';
import { U32 } from './matrices.js';

interface Expected {
  readonly value: number;
  readonly bound: number;
}

/** One pass at one size: what to call, which of its arguments are results, and what they should hold. */
export interface Pass {
  readonly operation: OperationName;
  readonly args: (number | boolean | Float32Array | Int32Array)[];
  readonly results: readonly { readonly at: number; readonly expected: (i: number) => Expected }[];
}

/** Normal numbers; long arrays repeat them, out of step with any row. */
function f32(seed: number, length: number): Float32Array {
  const some = random('f32', seed, Math.min(length, 4099));
  const all = new Float32Array(length);
  for (let first = 0; first < length; first += 4099) all.set(some.subarray(0, length - first), first);
  return all;
}

const at = (x: ArrayLike<number>, i: number) => x[i] as number;
/** sum over j < count of term(j). */
function total(count: number, term: (j: number) => number): number {
  let sum = 0;
  for (let j = 0; j < count; ++j) sum += term(j);
  return sum;
}

// Results below the least normal number may be flushed to zero.
const FLUSH = 2 ** -126;

/** The upper tail of the normal distribution, by its continued fraction (Lentz) or its series. */
function tail(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 3) {
    let fraction = 0;
    for (let k = 200; k > 0; --k) fraction = k / (z + fraction);
    return density / (z + fraction);
  }
  let [term, sum] = [z, z];
  for (let k = 1; k < 100; ++k) sum += term *= (z * z) / (2 * k + 1);
  return 0.5 - density * sum;
}

const below = (x: number) => (x < 0 ? tail(-x) : 1 - tail(x));
const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
// Of the tail: the fit errs by half a unit, its polynomial by two a step at most, the exponential by 3 and by what its
// argument, x^2 / 2 in two roundings, moves it.
const tailBound = (x: number) => tail(Math.abs(x)) * (24 + x * x) * U32;

function zip(rows: number, columns: number, which: number, row: boolean): Pass {
  const x = f32(1, rows * columns);
  const y = row ? f32(2, columns) : f32(2, rows);
  const apply = [
    (a: number, b: number) => a + b,
    (a: number, b: number) => a - b,
    (a: number, b: number) => a * b,
    (a: number, b: number) => a / b,
  ][which] as (a: number, b: number) => number;
  const strides = [columns, true, row ? 0 : 1, row];
  const expected = (i: number) => {
    const value = apply(at(x, i), at(y, row ? i % columns : Math.floor(i / columns)));
    return { value, bound: U32 * Math.abs(value) + FLUSH };
  };
  return {
    operation: 'zip',
    args: [x, y, new Float32Array(rows * columns), which, rows, columns, ...strides],
    results: [{ at: 2, expected }],
  };
}

function axisSum(rows: number, columns: number, inner: number): Pass {
  const x = f32(3, rows * columns * inner);
  const expected = (i: number) => {
    const [outer, j] = [Math.floor(i / inner), i % inner];
    const term = (p: number) => at(x, (outer * columns + p) * inner + j);
    const value = 0.5 * total(columns, term);
    const size = total(columns, (p) => Math.abs(term(p)));
    return { value, bound: U32 * Math.abs(value) + columns * 2 ** -52 * size };
  };
  return {
    operation: 'axisSum',
    args: [x, new Float32Array(rows * inner), rows, columns, inner, 0.5],
    results: [{ at: 1, expected }],
  };
}

/** exp(scale (x_j - most)) over a row, their sum, and the bound of each share of it. */
function shares(x: Float32Array, first: number, length: number, scale: number) {
  const row = x.subarray(first, first + length);
  const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const exponent = (j: number) => scale * (at(row, j) - most);
  const sum = total(length, (j) => Math.exp(exponent(j)));
  const share = (j: number) => Math.exp(exponent(j)) / sum;
  // The exponential errs by 3 units and by two roundings of its argument; |t| exp(-|t|) < 1, so that the sum errs by
  // length + 8; a quotient and a product.
  const bound = (j: number) => share(j) * (length + 16 + 2 * Math.abs(exponent(j))) * U32 + FLUSH;
  return { most, sum, share, bound };
}

function softmax(rows: number, columns: number, causal: boolean): Pass {
  const x = f32(4, rows * columns).map((value) => 5 * value);
  const scale = Math.fround(0.3);
  const expected = (i: number) => {
    const [row, j] = [Math.floor(i / columns), i % columns];
    const length = causal ? (row % columns) + 1 : columns;
    if (j >= length) return { value: 0, bound: 0 };
    const { share, bound } = shares(x, row * columns, length, scale);
    return { value: share(j), bound: bound(j) };
  };
  return {
    operation: 'softmax',
    args: [x, new Float32Array(rows * columns), rows, columns, scale, causal],
    results: [{ at: 1, expected }],
  };
}

function softmaxGradient(rows: number, columns: number, causal: boolean): Pass {
  const y = f32(5, rows * columns).map((value) => Math.abs(value) / columns);
  const dy = f32(6, rows * columns);
  const scale = Math.fround(0.3);
  const expected = (i: number) => {
    const [row, j] = [Math.floor(i / columns), i % columns];
    const length = causal ? (row % columns) + 1 : columns;
    if (j >= length) return { value: 0, bound: 0 };
    const term = (k: number) => at(y, row * columns + k) * at(dy, row * columns + k);
    const dot = total(length, term);
    const size = total(length, (k) => Math.abs(term(k)));
    const value = scale * at(y, i) * (at(dy, i) - dot);
    return { value, bound: scale * at(y, i) * ((length + 2) * size + 4 * Math.abs(at(dy, i) - dot)) * U32 + FLUSH };
  };
  return {
    operation: 'softmaxGradient',
    args: [y, dy, new Float32Array(rows * columns), rows, columns, scale, causal],
    results: [{ at: 2, expected }],
  };
}

function labelsOf(rows: number, columns: number): Int32Array {
  const roll = dice(7);
  return Int32Array.from({ length: rows }, () => roll(columns));
}

function crossEntropy(rows: number, columns: number): Pass {
  const x = f32(8, rows * columns).map((value) => 4 * value);
  const labels = labelsOf(rows, columns);
  const expected = (i: number) => {
    const { most, sum } = shares(x, i * columns, columns, 1);
    const gap = most - at(x, i * columns + at(labels, i));
    const value = Math.log(sum) + gap;
    return { value, bound: (columns + 8 + 2 * Math.abs(Math.log(sum)) + 2 * gap) * U32 };
  };
  return {
    operation: 'crossEntropy',
    args: [x, labels, new Float32Array(rows), rows, columns],
    results: [{ at: 2, expected }],
  };
}

function crossEntropyGradient(rows: number, columns: number): Pass {
  const x = f32(8, rows * columns).map((value) => 4 * value);
  const labels = labelsOf(rows, columns);
  const scale = f32(9, rows);
  const expected = (i: number) => {
    const [row, j] = [Math.floor(i / columns), i % columns];
    const { share, bound } = shares(x, row * columns, columns, 1);
    const factor = at(scale, row);
    const value = factor * (share(j) - (j === labels[row] ? 1 : 0));
    return { value, bound: Math.abs(factor) * (bound(j) + 3 * U32) };
  };
  return {
    operation: 'crossEntropyGradient',
    args: [x, labels, scale, new Float32Array(rows * columns), rows, columns],
    results: [{ at: 3, expected }],
  };
}

const EPSILON = Math.fround(1e-3);

/** Mean and scale of a row, and what each sum of it may err by, relative to its absolute sum. */
function moments(x: Float32Array, first: number, columns: number, centred: boolean) {
  const mean = centred ? total(columns, (j) => at(x, first + j)) / columns : 0;
  const variance = total(columns, (j) => (at(x, first + j) - mean) ** 2) / columns;
  const inverse = 1 / Math.sqrt(variance + EPSILON);
  const normal = (j: number) => (at(x, first + j) - mean) * inverse;
  // The mean errs by columns roundings of the mean size; the variance by as many, twice, and the inverse root by half.
  const shift = centred ? (columns + 1) * U32 * (total(columns, (j) => Math.abs(at(x, first + j))) / columns) : 0;
  const normalBound = (j: number) => inverse * shift + Math.abs(normal(j)) * ((columns + 8) * U32 + inverse * shift);
  return { inverse, normal, normalBound };
}

function normRows(rows: number, columns: number, centred: boolean): Pass {
  const [x, gain, bias] = [f32(10, rows * columns).map((value) => value + 1), f32(11, columns), f32(12, columns)];
  const expected = (i: number) => {
    const j = i % columns;
    const { normal, normalBound } = moments(x, i - j, columns, centred);
    const [scaled, shift] = [at(gain, j) * normal(j), centred ? at(bias, j) : 0];
    const bound = Math.abs(at(gain, j)) * normalBound(j) + 4 * U32 * (Math.abs(scaled) + Math.abs(shift));
    return { value: scaled + shift, bound };
  };
  return {
    operation: 'normRows',
    args: [x, gain, bias, new Float32Array(rows * columns), rows, columns, EPSILON, centred],
    results: [{ at: 3, expected }],
  };
}

function normRowsGradient(rows: number, columns: number, centred: boolean): Pass {
  const [x, gain, dy] = [f32(10, rows * columns), f32(11, columns), f32(13, rows * columns)];
  const slope = (first: number, j: number) => at(gain, j) * at(dy, first + j);
  const expectedX = (i: number) => {
    const j = i % columns;
    const first = i - j;
    const { inverse, normal, normalBound } = moments(x, first, columns, centred);
    const level = centred ? total(columns, (k) => slope(first, k)) / columns : 0;
    const along = total(columns, (k) => slope(first, k) * normal(k)) / columns;
    const sizeLevel = centred ? total(columns, (k) => Math.abs(slope(first, k))) / columns : 0;
    const sizeAlong = total(columns, (k) => Math.abs(slope(first, k) * normal(k))) / columns;
    const errorAlong = total(columns, (k) => Math.abs(slope(first, k)) * normalBound(k)) / columns;
    const value = inverse * (slope(first, j) - level - normal(j) * along);
    const size = Math.abs(slope(first, j)) + sizeLevel + Math.abs(normal(j)) * sizeAlong;
    // Sums err by columns roundings of their absolute sums, the rest by a few; the inverse as the normal row does.
    const own = Math.abs(normal(j)) * errorAlong + normalBound(j) * Math.abs(along);
    return { value, bound: inverse * ((2 * columns + 24) * U32 * size + own) + FLUSH };
  };
  const sums = (weight: (i: number, j: number) => readonly [number, number]) => (j: number) => {
    const value = total(rows, (i) => at(dy, i * columns + j) * weight(i, j)[0]);
    const size = total(rows, (i) => Math.abs(at(dy, i * columns + j) * weight(i, j)[0]));
    const own = total(rows, (i) => Math.abs(at(dy, i * columns + j)) * weight(i, j)[1]);
    return { value, bound: (rows + 4) * U32 * size + own };
  };
  const gainSum = sums((i, j) => {
    const { normal, normalBound } = moments(x, i * columns, columns, centred);
    return [normal(j), normalBound(j)];
  });
  const outs = [new Float32Array(rows * columns), new Float32Array(columns), new Float32Array(columns)];
  const results = [
    { at: 4, expected: expectedX },
    { at: 5, expected: gainSum },
    ...(centred ? [{ at: 6, expected: sums(() => [1, 0]) }] : []),
  ];
  return {
    operation: 'normRowsGradient',
    args: [x, gain, gain, dy, ...outs, rows, columns, EPSILON, centred],
    results,
  };
}

// From where the tail is flushed to where 1 - tail is 1.
const spread = (count: number) => f32(14, count).map((value, i) => (i % 3 === 0 ? 6 : 1) * value);

function gelu(count: number): Pass {
  const x = spread(count);
  const expected = (i: number) => {
    const value = at(x, i) * below(at(x, i));
    return { value, bound: Math.abs(at(x, i)) * (tailBound(at(x, i)) + FLUSH) + 2 * U32 * Math.abs(value) };
  };
  return { operation: 'gelu', args: [x, new Float32Array(count), count], results: [{ at: 1, expected }] };
}

function geluGradient(count: number): Pass {
  const [x, dy] = [spread(count), f32(15, count)];
  const expected = (i: number) => {
    const slope = Math.abs(at(x, i)) * density(at(x, i));
    const value = at(dy, i) * (below(at(x, i)) + at(x, i) * density(at(x, i)));
    const own = tailBound(at(x, i)) + slope * (8 + at(x, i) ** 2) * U32 + 3 * U32 * (below(at(x, i)) + slope);
    return { value, bound: Math.abs(at(dy, i)) * (own + FLUSH * (1 + Math.abs(at(x, i)))) + FLUSH };
  };
  return { operation: 'geluGradient', args: [x, dy, new Float32Array(count), count], results: [{ at: 2, expected }] };
}

function adamStep(count: number): Pass {
  const [p, g, m] = [f32(16, count), f32(17, count), f32(18, count)];
  const v = f32(19, count).map(Math.abs);
  const [p0, m0, v0] = [p.slice(), m.slice(), v.slice()];
  const constants = [0.9, 0.1, 0.999, 0.001, 1.5, 20, 0.01, 1e-3, 0.1].map(Math.fround);
  const [b1 = 0, r1 = 0, b2 = 0, r2 = 0, c1 = 0, c2 = 0, rate = 0, epsilon = 0, decay = 0] = constants;
  const first = (i: number) => {
    const [old, own] = [b1 * at(m0, i), r1 * at(g, i)];
    return { value: old + own, bound: 3 * U32 * (Math.abs(old) + Math.abs(own)) };
  };
  const second = (i: number) => {
    const value = b2 * at(v0, i) + r2 * at(g, i) ** 2;
    return { value, bound: 4 * U32 * value };
  };
  const parameter = (i: number) => {
    const root = Math.sqrt(second(i).value * c2) + epsilon;
    const direction = (first(i).value * c1) / root;
    const value = at(p0, i) - rate * (direction + decay * at(p0, i));
    const moved = (first(i).bound * c1) / root + 8 * U32 * Math.abs(direction);
    const size = Math.abs(decay * at(p0, i)) + Math.abs(direction);
    return {
      value,
      bound: rate * (moved + 4 * U32 * size) + U32 * (Math.abs(at(p0, i)) + Math.abs(value)),
    };
  };
  return {
    operation: 'adamStep',
    args: [p, g, m, v, count, ...constants],
    results: [
      { at: 0, expected: parameter },
      { at: 2, expected: first },
      { at: 3, expected: second },
    ],
  };
}

function segmentSum(rows: number, columns: number): Pass {
  const x = f32(20, rows * columns);
  const segments = 5;
  const ids = labelsOf(rows, segments + 2).map((id) => id - 1); // some are -1, some too large
  const expected = (i: number) => {
    const [segment, j] = [Math.floor(i / columns), i % columns];
    const term = (row: number) => (ids[row] === segment ? at(x, row * columns + j) : 0);
    return { value: total(rows, term), bound: rows * U32 * total(rows, (row) => Math.abs(term(row))) };
  };
  const out = new Float32Array(segments * columns).fill(NaN);
  return { operation: 'segmentSum', args: [x, ids, out, rows, columns, segments], results: [{ at: 2, expected }] };
}

/** [rows, 3, columns] to [3, rows, columns]. */
function stridedCopy(rows: number, columns: number): Pass {
  const x = f32(21, rows * 3 * columns);
  const expected = (i: number) => {
    const [part, row, j] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
    return { value: at(x, (row * 3 + part) * columns + j), bound: 0 };
  };
  const dimensions = [1, 0, 0, 1, 0, 0, 3, columns, rows * columns, rows, 3 * columns, columns];
  return {
    operation: 'stridedCopy',
    args: [x, new Float32Array(rows * 3 * columns), columns, ...dimensions],
    results: [{ at: 1, expected }],
  };
}

/** Every pass, made for so many rows and columns. */
export const PASSES: readonly (readonly [string, (rows: number, columns: number) => Pass])[] = [
  ['zip, sum with a row', (rows, columns) => zip(rows, columns, 0, true)],
  ['zip, difference with a column', (rows, columns) => zip(rows, columns, 1, false)],
  ['zip, product with a row', (rows, columns) => zip(rows, columns, 2, true)],
  ['zip, quotient with a column', (rows, columns) => zip(rows, columns, 3, false)],
  ['axisSum of rows', (rows, columns) => axisSum(rows, columns, 1)],
  ['axisSum of columns', (rows, columns) => axisSum(1, rows, columns)],
  ['axisSum in the middle', (rows, columns) => axisSum(2, rows, columns)],
  ['softmax', (rows, columns) => softmax(rows, columns, false)],
  ['softmax, causal', (rows, columns) => softmax(rows, columns, true)],
  ['softmaxGradient', (rows, columns) => softmaxGradient(rows, columns, false)],
  ['softmaxGradient, causal', (rows, columns) => softmaxGradient(rows, columns, true)],
  ['crossEntropy', crossEntropy],
  ['crossEntropyGradient', crossEntropyGradient],
  ['normRows, centred', (rows, columns) => normRows(rows, columns, true)],
  ['normRows', (rows, columns) => normRows(rows, columns, false)],
  ['normRowsGradient, centred', (rows, columns) => normRowsGradient(rows, columns, true)],
  ['normRowsGradient', (rows, columns) => normRowsGradient(rows, columns, false)],
  ['gelu', (rows, columns) => gelu(rows * columns)],
  ['geluGradient', (rows, columns) => geluGradient(rows * columns)],
  ['adamStep', (rows, columns) => adamStep(rows * columns)],
  ['segmentSum', segmentSum],
  ['stridedCopy', stridedCopy],
];
