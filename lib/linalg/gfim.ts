import { mismatch, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { deviceArgument, type DeviceOptions } from '../native/device.js';
import { arrayKind, requireApart, requireFloat64, requireFloats, requireHalves } from './array-checks.js';
import type { HalfDtype } from './widen.js';

/** Which dimension of a layer's r x d gradients is kept: 'columns' gives d x d, 'rows' gives r x r. */
export type GfimSide = 'columns' | 'rows';

/**
 * 'f64': products and sums in float64. 'f32': float32 tiles of at most 512 terms, merged in float64; about twice as
 * fast.
 * 'bf16', for rows stored in BF16: the sums of 'f32' by dot products of pairs, about twice as fast again where the
 * processor has them (AVX-512 BF16). Products of bfloat16 are exact in float32, so that the error has the bound of
 * 'f32'; numbers below 2^-126 may be taken as zero.
 */
export type GramPrecision = 'f64' | 'f32' | 'bf16';

/** Shape and scaling of {@link gfim}. */
export interface GfimOptions extends CallOptions, DeviceOptions {
  readonly samples: number;
  /** Rows of one sample's gradient. */
  readonly r: number;
  /** Columns of one sample's gradient. */
  readonly d: number;
  /** Default 'columns'. */
  readonly side?: GfimSide;
  /** What the bits of a Uint16Array are. Not for other arrays. */
  readonly dtype?: HalfDtype;
  /** Factor of the sum; default 1 / samples. */
  readonly scale?: number;
  /** Adds to `out` instead of overwriting it; default false. */
  readonly accumulate?: boolean;
  /** Default 'f64'. */
  readonly gramPrecision?: GramPrecision;
  /** Receives G, n x n with n = d ('columns') or r ('rows'); allocated when absent, needed to accumulate. */
  readonly out?: Float64Array;
}

/** Per-sample gradients, row-major [samples, r, d]: numbers, or the stored bits of half-precision ones. */
export type GradientRows = FloatArray | Uint16Array;

/**
 * Generalised Fisher information matrix of a layer (HyperINF, eq. 6 without its 1/r):
 *   G = scale sum_i g_i' g_i  ('columns', d x d)    or    G = scale sum_i g_i g_i'  ('rows', r x r)
 *
 * A store larger than memory is added block by block with `accumulate`: blocks that start at multiples of
 * {@link gfimTileSamples} give the same bits as one call.
 *
 * @param rows g, [samples, r, d]
 * @returns G in float64, exactly symmetric; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function gfim(rows: GradientRows, options: GfimOptions): Float64Array {
  const { operation, out, args } = prepare(rows, options);
  callSync(operation, args, options);
  return out;
}

/** As {@link gfim}, on the thread pool. */
export async function gfimAsync(rows: GradientRows, options: GfimOptions & AsyncCallOptions): Promise<Float64Array> {
  const { operation, out, args } = prepare(rows, options);
  await callAsync(operation, args, options);
  return out;
}

/**
 * Samples in one tile of the sum: blocks of a store must start at multiples of it for G not to depend on their size.
 *
 * @param r rows, @param d columns of one sample's gradient
 * @returns a constant for the shape and side, mostly of about 512 / r ('columns') samples
 */
export function gfimTileSamples(r: number, d: number, side: GfimSide = 'columns'): number {
  requireInteger('r', r, 1);
  requireInteger('d', d, 1);
  requireOneOf('side', side, ['columns', 'rows']);
  const out = new Float64Array(1);
  callSync('gfimTileSamples', [out, r, d, side === 'rows'], { threads: 1 });
  return out[0] as number;
}

function prepare(rows: GradientRows, options: GfimOptions) {
  const { samples, r, d, side = 'columns', dtype, accumulate = false, gramPrecision = 'f64' } = options;
  for (const [name, size] of Object.entries({ samples, r, d })) requireInteger(name, size, 0);
  requireOneOf('side', side, ['columns', 'rows']);
  requireOneOf('gramPrecision', gramPrecision, ['f64', 'f32', 'bf16']);
  const { scale = samples === 0 ? 1 : 1 / samples } = options;
  requireNumber('scale', scale);
  if (typeof accumulate !== 'boolean') throw mismatch('GRADSIFT_ARGUMENT', 'accumulate', 'true or false', accumulate);
  const half = arrayKind(rows) === 'Uint16Array';
  if (half) {
    requireOneOf('dtype', dtype, ['BF16', 'F16']);
    requireHalves('rows', rows, samples * r * d);
  } else {
    if (dtype !== undefined) throw mismatch('GRADSIFT_ARGUMENT', 'dtype', 'none for an array of numbers', dtype);
    requireFloats('rows', rows, samples * r * d);
  }
  if (gramPrecision === 'bf16' && dtype !== 'BF16') {
    throw mismatch('GRADSIFT_ARGUMENT', 'gramPrecision', "'f64' or 'f32' for rows that are not BF16", gramPrecision);
  }
  const n = side === 'columns' ? d : r;
  if (accumulate && options.out === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', 'out', 'the matrix to add to', undefined);
  }
  const out = options.out ?? new Float64Array(n * n);
  requireFloat64('out', out, n * n);
  requireApart('out', out, 'rows', rows);
  if (!accumulate && options.out !== undefined) out.fill(0, 0, n * n);
  const args = [rows, out, samples, r, d, side === 'rows', ['f64', 'f32', 'bf16'].indexOf(gramPrecision), scale];
  const device = deviceArgument(options.device);
  return half
    ? { operation: 'gfimHalf' as const, out, args: [...args, dtype === 'BF16', ...device] }
    : { operation: 'gfim' as const, out, args: [...args, ...device] };
}
