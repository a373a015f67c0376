import { mismatch, requireInteger, requireNumber } from '../errors.js';
import { statusName, type FloatArray } from '../native/binding.js';
import type { CallOptions, Outcome } from '../native/calls.js';
import { requireApart, requireArray, requireFloats } from './array-checks.js';

/** What a solver says about one matrix. Everything refers to A + damping I, the matrix that is really inverted. */
export interface Certificate {
  /**
   * 'ok': the residual is at most the tolerance. 'stepLimit', 'stagnated': it is not; the result is what was reached.
   * 'diverged': not usable. 'notPositiveDefinite' (also: singular to working precision), 'nonFinite': a result of
   * zeros.
   */
  readonly status: Outcome;
  /** Iterations, or doublings of a hyperpower run; 0 for a direct solver. */
  readonly steps: number;
  /** Corrections by the float64 residual that followed. */
  readonly refinements: number;
  /** Runs thrown away: a bound of the spectrum proved wrong, or float32 was not enough for a mixed solve. */
  readonly restarts: number;
  /**
   * Recomputed in float64 from the given matrix: ||V - A H||_F / ||V||_F of a solve (0 when V is zero),
   * ||I - A X||_F / sqrt(n) of an inverse.
   */
  readonly residual: number;
  /** Lower bound of the spectrum that was used; 0: nothing is known. The damping counts: a is taken to be >= 0. */
  readonly lambdaMin: number;
  /** Upper bound of the spectrum: certain, or (where Lanczos was used) certain for all practical purposes. */
  readonly lambdaMax: number;
  /** Floating-point operations of the run, one multiply-add = 2. */
  readonly flops: number;
}

/** A batch's certificates, and the worst as one: first status that is not ok, largest residual, sums of work. */
export interface Certified extends Certificate {
  /** One for each matrix of the batch. */
  readonly certificates: readonly Certificate[];
}

/** The result of a solve. */
export interface SolveResult<Array extends FloatArray> extends Certified {
  /** H, [batch][rhs][n], one solution a row, of the type of a. */
  readonly solution: Array;
}

/** Sizes shared by all solvers. */
export interface SolveOptions<Array extends FloatArray> extends CallOptions {
  /** Rows and columns of a, >= 1. */
  readonly n: number;
  /** Right-hand sides, >= 1. */
  readonly rhs: number;
  /** Number of matrices; default 1. */
  readonly batch?: number | undefined;
  /** Added to the diagonal of a (which is not written to), >= 0; default 0. */
  readonly damping?: number | undefined;
  /** The residual to reach, >= 0; default 1e-10 for float64 arrays, 1e-4 for float32. */
  readonly tolerance?: number | undefined;
  /** Receives the solution; allocated when absent. May be v, must not share memory with a. */
  readonly out?: Array | undefined;
}

// status, steps, refinements, restarts, residual, lambdaMin, lambdaMax, flops: native/binding/certificates.h
const NUMBERS = 8;

/** Room for the certificates of a batch. */
export function certificateSpace(batch: number): Float64Array {
  return new Float64Array(batch * NUMBERS);
}

function certificateAt(space: Float64Array, at: number): Certificate {
  return {
    status: statusName(space[at] as number) as Outcome,
    steps: space[at + 1] as number,
    refinements: space[at + 2] as number,
    restarts: space[at + 3] as number,
    residual: space[at + 4] as number,
    lambdaMin: space[at + 5] as number,
    lambdaMax: space[at + 6] as number,
    flops: space[at + 7] as number,
  };
}

/** Reads what a native call has written into {@link certificateSpace}. Plain loops: batches of thousands are usual. */
export function readCertificates(space: Float64Array): Certified {
  const certificates: Certificate[] = [];
  const worst = { ...certificateAt(space, 0), restarts: 0, flops: 0 };
  for (let at = 0; at < space.length; at += NUMBERS) {
    const one = certificateAt(space, at);
    certificates.push(one);
    if (worst.status === 'ok') worst.status = one.status;
    worst.steps = Math.max(worst.steps, one.steps);
    worst.refinements = Math.max(worst.refinements, one.refinements);
    worst.restarts += one.restarts;
    worst.residual = Math.max(worst.residual, one.residual); // NaN stays
    worst.lambdaMin = Math.min(worst.lambdaMin, one.lambdaMin);
    worst.lambdaMax = Math.max(worst.lambdaMax, one.lambdaMax);
    worst.flops += one.flops;
  }
  return { ...worst, certificates };
}

/** The default of `tolerance`: what a well-conditioned matrix reaches in the precision of the array. */
export function defaultTolerance(array: FloatArray): number {
  return array.BYTES_PER_ELEMENT === 8 ? 1e-10 : 1e-4;
}

/** Throws unless the bounds of a spectrum, where given, are positive and in order. */
export function requireBounds(lambdaMin: number | undefined, lambdaMax: number | undefined): void {
  for (const [name, bound] of Object.entries({ lambdaMin, lambdaMax })) {
    if (bound !== undefined) requireNumber(name, bound, 'a number > 0', (value) => value > 0);
  }
  if (lambdaMin !== undefined && lambdaMax !== undefined && !(lambdaMin <= lambdaMax)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'lambdaMax', `a number >= lambdaMin (${lambdaMin})`, lambdaMax);
  }
}

/** Checks what all solvers take and makes room for what they give. */
export function prepareSolve<Array extends FloatArray>(a: Array, v: Array, options: SolveOptions<Array>) {
  const { n, rhs, batch = 1, damping = 0 } = options;
  requireFloats('a', a, 0);
  const { tolerance = defaultTolerance(a) } = options;
  requireInteger('n', n, 1);
  requireInteger('rhs', rhs, 1);
  requireInteger('batch', batch, 1);
  requireNumber('damping', damping, 'a number >= 0', (value) => value >= 0);
  requireNumber('tolerance', tolerance, 'a number >= 0', (value) => value >= 0);
  requireArray('a', a, a, batch * n * n);
  requireArray('v', v, a, batch * rhs * n);
  const length = batch * rhs * n;
  const solution = options.out ?? new (a.constructor as new (length: number) => Array)(length);
  requireArray('out', solution, a, length);
  requireApart('out', solution, 'a', a);
  if (solution.buffer !== v.buffer || solution.byteOffset !== v.byteOffset) requireApart('out', solution, 'v', v);
  return { n, rhs, batch, damping, tolerance, solution, space: certificateSpace(batch) };
}
