// The recursion of lissa.ts on the Gram matrix K = X X' of all rows of a layer (n x n): r_t = c_t v + X' u_t.
import type { Operations } from './operations.js';
import type { LissaConfig } from './options.js';
import {
  dampingSign,
  DEFAULT_STEPS,
  isCheck,
  isOver,
  spectrumBound,
  statusOf,
  stepSizeOf,
  type Recursion,
} from './lissa-recursion.js';
import { sumSquares } from './solve.js';

export interface GramSystem {
  /** K = X X' [count, count]. */
  readonly gram: Float64Array;
  /** X v: [queries, count]. */
  readonly xv: Float64Array;
  readonly v: Float64Array;
  readonly count: number;
  readonly queries: number;
  /** n in F = X' X / n. */
  readonly samples: number;
  readonly damping: number;
}

export interface GramRecursion extends Recursion {
  /** a u_T; h holds a c_T v, to which X' (a u_T) is still to be added. */
  readonly u: Float64Array;
  readonly lambdaMax: number;
}

export async function recurGram(ops: Operations, system: GramSystem, config: LissaConfig): Promise<GramRecursion> {
  const { gram, xv, v, count, queries, samples: n, damping } = system;
  const lambdaMax = damping + (await spectrumBound(ops, gram, count)) / n;
  const a = stepSizeOf(config, lambdaMax);
  const { tolerance, steps = DEFAULT_STEPS } = config;
  const keep = 1 - a * dampingSign(config) * damping;
  const scale = Math.sqrt(sumSquares(v));
  const ku = new Float64Array(xv.length);
  const scratch = { q: new Float64Array(xv.length), kq: new Float64Array(xv.length) };
  const dots = { count, length: count, queries, outStride: count };
  let c = 1;
  const u = new Float64Array(xv.length);
  let residual = scale === 0 ? 0 : NaN;
  let step = 0;
  while (scale > 0) {
    await ops.rowDots(gram, u, { ...dots, out: ku });
    if (isCheck(step, steps)) {
      residual = Math.sqrt(await residualSquared(ops, system, { a, c, u, ku, ...scratch })) / scale;
      if (isOver(residual, step, steps, tolerance)) break;
    }
    for (let i = 0; i < u.length; ++i) {
      u[i] = keep * (u[i] as number) - (a / n) * (c * (xv[i] as number) + (ku[i] as number));
    }
    c = 1 + keep * c;
    ++step;
  }
  for (let i = 0; i < u.length; ++i) u[i]! *= a;
  const h = v.map((value) => a * c * value);
  return { status: statusOf(residual, tolerance), steps: step, residual, h, u, lambdaMax };
}

interface Iterate {
  readonly a: number;
  readonly c: number;
  readonly u: Float64Array;
  readonly ku: Float64Array;
  readonly q: Float64Array;
  readonly kq: Float64Array;
}

/**
 * ||v - (F + damping I) a r||^2 = ||alpha v - X' q||^2, alpha = 1 - a damping c, q = (a/n) (c X v + K u) + a damping u.
 */
async function residualSquared(ops: Operations, system: GramSystem, { a, c, u, ku, q, kq }: Iterate): Promise<number> {
  const { gram, xv, v, count, queries, samples: n, damping } = system;
  for (let i = 0; i < q.length; ++i) {
    q[i] = (a / n) * (c * (xv[i] as number) + (ku[i] as number)) + a * damping * (u[i] as number);
  }
  await ops.rowDots(gram, q, { count, length: count, queries, out: kq, outStride: count });
  const alpha = 1 - a * damping * c;
  let sum = alpha * alpha * sumSquares(v);
  for (let i = 0; i < q.length; ++i) sum += (q[i] as number) * ((kq[i] as number) - 2 * alpha * (xv[i] as number));
  return Math.max(0, sum);
}
