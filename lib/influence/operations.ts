// The native calls of one job: on the calling thread (with idle workers) where a call is over in about a millisecond,
// on the pool where it is not. Between short calls the event loop gets its turn.
import { backend } from '../native/backend.js';
import type { FloatArray } from '../native/binding.js';
import { gfim, gfimAsync } from '../linalg/gfim.js';
import {
  addWeightedRows,
  addWeightedRowsAsync,
  rowDots,
  rowDotsAsync,
  rowNorms,
  rowNormsAsync,
} from '../linalg/rows.js';
import { rowGram, rowGramAsync } from '../linalg/row-gram.js';
import { matmul, matmulAsync, type MatmulOptions } from '../linalg/matmul.js';
import type { GramPrecision, Side } from './options.js';

/** Flops of a blocked product that one core does in a millisecond or two; the portable kernels are far slower. */
const SHORT_PRODUCT_FLOPS = backend().isa === 'portable' ? 4e6 : 6e7;
/** Elements that a pass over rows reads in about a millisecond. */
const SHORT_PASS_ELEMENTS = 1e6;
/** The event loop is not kept waiting for longer than this by short calls in a row. */
const TURN_MS = 1;

export interface CallSettings {
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Runs work now or on the pool; see {@link createOperations}. */
export interface Operations {
  readonly settings: CallSettings;
  /** `now` when `short`, else `later`; in between the event loop gets its turn. */
  call<Result>(short: boolean, now: () => Result, later: () => Promise<Result>): Result | Promise<Result>;
  /** Lets the event loop turn when it has waited long enough. For loops in JavaScript. */
  turn(): Promise<void> | undefined;
  /** out += scale sum_i g_i' g_i (or g_i g_i' for side 'rows') over a block of samples. */
  addGfim(rows: FloatArray, block: GfimBlock): unknown;
  /** out[i] = ||X_i||^2 */
  rowNorms(rows: FloatArray, count: number, length: number, out: Float64Array): unknown;
  /** out[q * outStride + i] = alpha <H_q, X_i> + beta out[...]; norms[i] = ||X_i||^2 from the same read */
  rowDots(rows: FloatArray, h: Float64Array, dots: RowDots): unknown;
  /** out[q] += sum_i weights[q * weightStride + i] X_i */
  addWeightedRows(rows: FloatArray, weights: Float64Array, sum: WeightedRows): unknown;
  /** X X' */
  rowGram(rows: FloatArray, count: number, length: number, out: Float64Array): unknown;
  /** Each of the `count` matrices r x d turned into d x r, exactly. */
  transposeSamples<Rows extends FloatArray>(rows: Rows, count: number, r: number, d: number): Rows | Promise<Rows>;
}

export interface GfimBlock {
  readonly samples: number;
  readonly r: number;
  readonly d: number;
  readonly side: Side;
  readonly scale: number;
  readonly gramPrecision: GramPrecision;
  readonly out: Float64Array;
}

export interface RowDots {
  readonly count: number;
  readonly length: number;
  readonly queries: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly out: Float64Array;
  readonly outStride: number;
  readonly norms?: Float64Array | undefined;
}

export interface WeightedRows {
  readonly count: number;
  readonly length: number;
  readonly queries: number;
  readonly weightStride: number;
  readonly out: Float64Array;
}

/** Gives timers and I/O their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function scheduler(signal: AbortSignal | undefined) {
  let turned = performance.now();
  const turn = () => {
    signal?.throwIfAborted();
    if (performance.now() - turned < TURN_MS) return undefined;
    return nextTurn().then(() => {
      turned = performance.now();
      signal?.throwIfAborted();
    });
  };
  const call = <Result>(short: boolean, now: () => Result, later: () => Promise<Result>): Result | Promise<Result> => {
    signal?.throwIfAborted();
    if (!short) {
      return later().then((result) => {
        turned = performance.now();
        return result;
      });
    }
    const result = now();
    const waiting = turn();
    return waiting === undefined ? result : waiting.then(() => result);
  };
  return { turn, call };
}

/** Whether a product of this many flops is over in about a millisecond. */
export function isShortProduct(flops: number): boolean {
  return flops < SHORT_PRODUCT_FLOPS;
}

const isShortPass = (count: number, length: number, queries: number) => count * length * queries < SHORT_PASS_ELEMENTS;

/** Binds the native calls to the threads and the signal of a job. */
export function createOperations(settings: CallSettings): Operations {
  const { threads, signal } = settings;
  const own: CallSettings = { threads, signal };
  const { turn, call } = scheduler(signal);
  return {
    settings: own,
    turn,
    call,
    addGfim(rows, block) {
      const kept = block.side === 'columns' ? block.d : block.r;
      const options = { ...block, accumulate: true, threads, signal };
      const short = isShortProduct(block.samples * block.r * block.d * kept);
      return call<unknown>(
        short,
        () => gfim(rows, options),
        () => gfimAsync(rows, options),
      );
    },
    rowNorms(rows, count, length, out) {
      const options = { count, length, out, threads, signal };
      return call<unknown>(
        isShortPass(count, length, 1),
        () => rowNorms(rows, options),
        () => rowNormsAsync(rows, options),
      );
    },
    rowDots(rows, h, dots) {
      const options = { ...dots, threads, signal };
      const short = isShortPass(dots.count, dots.length, dots.queries);
      return call<unknown>(
        short,
        () => rowDots(rows, h, options),
        () => rowDotsAsync(rows, h, options),
      );
    },
    addWeightedRows(rows, weights, sum) {
      const options = { ...sum, threads, signal };
      const short = isShortPass(sum.count, sum.length, sum.queries);
      return call<unknown>(
        short,
        () => addWeightedRows(rows, weights, options),
        () => addWeightedRowsAsync(rows, weights, options),
      );
    },
    rowGram(rows, count, length, out) {
      const options = { count, length, out, threads, signal };
      const short = isShortProduct(count * count * length);
      return call<unknown>(
        short,
        () => rowGram(rows, options),
        () => rowGramAsync(rows, options),
      );
    },
    transposeSamples: (rows, count, r, d) => transposeSamples(call, own, rows, { count, r, d }),
  };
}

/** (d x r) = (r x d)' I: the products with 1 and 0 and their sums are exact, and no loop over elements runs here. */
function transposeSamples<Rows extends FloatArray>(
  call: Operations['call'],
  { threads, signal }: CallSettings,
  rows: Rows,
  { count, r, d }: { count: number; r: number; d: number },
) {
  const identity = new (rows.constructor as new (length: number) => Rows)(r * r);
  for (let i = 0; i < r; ++i) identity[i * r + i] = 1;
  const shape = { batch: count, m: d, k: r, n: r, transposeA: true, strideB: 0 };
  const sizes: MatmulOptions = { ...shape, ...withThreads(threads) };
  return call(
    isShortProduct(count * 2 * d * r * r),
    () => matmul(rows, identity, sizes),
    () => matmulAsync(rows, identity, { ...sizes, signal }),
  );
}

function withThreads(threads: number | undefined): { threads?: number } {
  return threads === undefined ? {} : { threads };
}
