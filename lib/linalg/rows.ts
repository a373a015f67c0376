// Single passes over stored gradient rows, summed in float64: what scoring, means, DataInf and LiSSA are made of.
import { mismatch, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { deviceArgument, type DeviceOptions } from '../native/device.js';
import { arrayKind, requireApart, requireFloat64, requireFloats, requireHalves } from './array-checks.js';
import type { HalfDtype } from './widen.js';

/** Shape of the rows X, [count][length]. */
export interface RowsOptions extends CallOptions {
  /** Rows of X. */
  readonly count: number;
  /** Elements of one row. */
  readonly length: number;
  /** Allocated when absent. Must not share memory with the inputs. */
  readonly out?: Float64Array;
}

/** Rows of any stored type: the bits of 16-bit floats are widened in registers, exactly. */
export type StoredRows = FloatArray | Uint16Array;

/** What rows of any stored type need said. */
interface StoredShape {
  /** Rows of X. */
  readonly count: number;
  /** Elements of one row. */
  readonly length: number;
  /** Distance between two rows, in elements; default `length`. */
  readonly rowStride?: number | undefined;
  /** Of rows given as a Uint16Array. */
  readonly dtype?: HalfDtype | undefined;
}

/** Shape and type of the rows X. */
export interface StoredRowsOptions extends StoredShape, CallOptions {
  /** Allocated when absent. Must not share memory with the inputs. */
  readonly out?: Float64Array;
}

/** Shape and scaling of {@link rowDots}. */
export interface RowDotsOptions extends StoredRowsOptions, DeviceOptions {
  /** Rows of H; default 1. */
  readonly queries?: number;
  /** Default 1. */
  readonly alpha?: number;
  /** Default 0: `out` is overwritten, never read. Needs `out` when not 0. */
  readonly beta?: number;
  /** Distance between the results of two queries; default count. */
  readonly outStride?: number;
  /** Takes ||X_i||^2 of every row, from the same read; equal to {@link rowNorms} up to rounding. */
  readonly norms?: Float64Array | undefined;
}

/**
 * Inner products of every row with every query: out[q * outStride + i] = alpha <H_q, X_i> + beta out[...].
 *
 * Columns are summed in runs of 1024, in order: parts of the columns that start at multiples of 1024, all but the first
 * with beta 1, give the bits of one call.
 *
 * @param rows X, [count][length], rowStride apart
 * @param h H, [queries][length]
 * @returns out, [queries][outStride]; the same bits for any number of threads and rows in one call
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function rowDots(rows: StoredRows, h: Float64Array, options: RowDotsOptions): Float64Array {
  const { out, args } = prepareDots(rows, h, options);
  callSync('rowDots', args, options);
  return out;
}

/** As {@link rowDots}, on the thread pool. */
export async function rowDotsAsync(
  rows: StoredRows,
  h: Float64Array,
  options: RowDotsOptions & AsyncCallOptions,
): Promise<Float64Array> {
  const { out, args } = prepareDots(rows, h, options);
  await callAsync('rowDots', args, options);
  return out;
}

/** Shape of {@link addWeightedRows}. */
export interface AddWeightedRowsOptions extends StoredRowsOptions {
  /** Rows of the weights; default 1. */
  readonly queries?: number;
  /** Distance between the weights of two queries; default count. */
  readonly weightStride?: number;
}

/**
 * Weighted sums of rows, added to out: out[q][j] += sum_i weights[q * weightStride + i] X[i][j].
 *
 * Rows are summed in tiles of 64, in order: blocks of a store that start at multiples of 64 rows give the bits of one
 * call.
 *
 * @param rows X, [count][length], rowStride apart
 * @param weights [queries][weightStride]
 * @returns out, [queries][length], starting from zeros when none is given; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function addWeightedRows(
  rows: StoredRows,
  weights: Float64Array,
  options: AddWeightedRowsOptions,
): Float64Array {
  const { out, args } = prepareSums(rows, weights, options);
  callSync('addWeightedRows', args, options);
  return out;
}

/** As {@link addWeightedRows}, on the thread pool. */
export async function addWeightedRowsAsync(
  rows: StoredRows,
  weights: Float64Array,
  options: AddWeightedRowsOptions & AsyncCallOptions,
): Promise<Float64Array> {
  const { out, args } = prepareSums(rows, weights, options);
  await callAsync('addWeightedRows', args, options);
  return out;
}

/**
 * Inner products of all pairs of rows, added to out: out[i * count + j] += <X_i, X_j>, exactly symmetric where out was.
 *
 * Columns are summed as {@link rowDots} sums them: in parts that start at multiples of 1024, the bits of one call.
 *
 * @param rows X, [count][length], rowStride apart
 * @returns out, [count][count], starting from zeros when none is given; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function addRowGram(rows: StoredRows, options: StoredRowsOptions): Float64Array {
  const { out, args } = prepareGram(rows, options);
  callSync('addRowGram', args, options);
  return out;
}

/** As {@link addRowGram}, on the thread pool. */
export async function addRowGramAsync(
  rows: StoredRows,
  options: StoredRowsOptions & AsyncCallOptions,
): Promise<Float64Array> {
  const { out, args } = prepareGram(rows, options);
  await callAsync('addRowGram', args, options);
  return out;
}

/**
 * Squared Euclidean norm of every row: out[i] = sum_j X[i][j]^2. NaN or infinity when, and only when, row i holds one,
 * or its squares overflow float64: the test for bad gradients costs one pass.
 *
 * @param rows X, [count][length]
 * @returns out, [count]
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function rowNorms(rows: FloatArray, options: RowsOptions): Float64Array {
  const { out, args } = prepareNorms(rows, options);
  callSync('rowNorms', args, options);
  return out;
}

/** As {@link rowNorms}, on the thread pool. */
export async function rowNormsAsync(rows: FloatArray, options: RowsOptions & AsyncCallOptions): Promise<Float64Array> {
  const { out, args } = prepareNorms(rows, options);
  await callAsync('rowNorms', args, options);
  return out;
}

function requireRows(rows: FloatArray, { count, length }: RowsOptions): void {
  requireInteger('count', count, 0);
  requireInteger('length', length, 0);
  requireFloats('rows', rows, count * length);
}

/**
 * Checks rows of any stored type. Returns their stride, and whether 16-bit ones are bfloat16.
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE
 */
export function requireStored(
  name: string,
  rows: StoredRows,
  { count, length, rowStride = length, dtype }: StoredShape,
): { readonly rowStride: number; readonly bfloat16: boolean } {
  requireInteger('count', count, 0);
  requireInteger('length', length, 0);
  requireInteger('rowStride', rowStride, count > 1 ? length : 0);
  const needed = span(count, rowStride, length);
  if (arrayKind(rows) === 'Uint16Array') {
    requireHalves(name, rows, needed);
    requireOneOf('dtype', dtype, ['BF16', 'F16']);
  } else {
    if (dtype !== undefined) throw mismatch('GRADSIFT_DTYPE', name, `a Uint16Array, the bits of ${dtype}`, rows);
    requireFloats(name, rows, needed);
  }
  return { rowStride, bfloat16: dtype === 'BF16' };
}

/** Elements spanned by `queries` rows of `count`, `stride` apart. */
function span(queries: number, stride: number, count: number): number {
  return queries === 0 || count === 0 ? 0 : (queries - 1) * stride + count;
}

const NOT_WANTED = new Float64Array(0);

function prepareDots(rows: StoredRows, h: Float64Array, options: RowDotsOptions) {
  const { rowStride, bfloat16 } = requireStored('rows', rows, options);
  const { count, length, queries = 1, alpha = 1, beta = 0, outStride = count } = options;
  requireInteger('queries', queries, 0);
  requireInteger('outStride', outStride, queries > 1 ? count : 0);
  requireNumber('alpha', alpha);
  requireNumber('beta', beta);
  requireFloat64('h', h, queries * length);
  if (beta !== 0 && options.out === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', 'out', 'the values that beta scales', undefined);
  }
  const needed = span(queries, outStride, count);
  const { out = new Float64Array(needed) } = options;
  requireFloat64('out', out, needed);
  requireApart('out', out, 'rows', rows);
  requireApart('out', out, 'h', h);
  const { norms = NOT_WANTED } = options;
  if (norms !== NOT_WANTED) {
    requireFloat64('norms', norms, count);
    for (const [name, other] of Object.entries({ rows, h, out })) requireApart('norms', norms, name, other);
  }
  const sizes = [count, length, queries, alpha, beta, outStride];
  const args = [rows, h, out, ...sizes, norms, rowStride, bfloat16, ...deviceArgument(options.device)];
  return { out, args };
}

function prepareSums(rows: StoredRows, weights: Float64Array, options: AddWeightedRowsOptions) {
  const { rowStride, bfloat16 } = requireStored('rows', rows, options);
  const { count, length, queries = 1, weightStride = count } = options;
  requireInteger('queries', queries, 0);
  requireInteger('weightStride', weightStride, 0);
  requireFloat64('weights', weights, span(queries, weightStride, count));
  const { out = new Float64Array(queries * length) } = options;
  requireFloat64('out', out, queries * length);
  requireApart('out', out, 'rows', rows);
  requireApart('out', out, 'weights', weights);
  return { out, args: [rows, weights, out, count, length, queries, weightStride, rowStride, bfloat16] };
}

function prepareGram(rows: StoredRows, options: StoredRowsOptions) {
  const { rowStride, bfloat16 } = requireStored('rows', rows, options);
  const { count, length, out = new Float64Array(count * count) } = options;
  requireFloat64('out', out, count * count);
  requireApart('out', out, 'rows', rows);
  return { out, args: [rows, out, count, length, rowStride, bfloat16] };
}

function prepareNorms(rows: FloatArray, options: RowsOptions) {
  requireRows(rows, options);
  const { count, length, out = new Float64Array(count) } = options;
  requireFloat64('out', out, count);
  requireApart('out', out, 'rows', rows);
  return { out, args: [rows, out, count, length] };
}
