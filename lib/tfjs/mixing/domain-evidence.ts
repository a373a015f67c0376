// Products of the gradients of domains, as rules want them.
import { byName } from '../../reweighting/domains.js';
import type { TensorFlow } from '../tensorflow.js';
import { holdGradient, productsWith, type Gradients, type HeldGradient, type Products } from './gradient-products.js';
import type { LoopEvidence } from './run.js';

/** What torch's clip_grad_norm_ adds to a norm. */
const NORM_GUARD = 1e-6;

const shrink = (norm: number, clipNorm: number | undefined) =>
  clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + NORM_GUARD));

/** A target's gradient, with its norm after clipping. */
export interface HeldTarget {
  readonly held: HeldGradient;
  readonly factor: number;
  readonly norm: number;
}

export function holdTarget(tf: TensorFlow, gradients: Gradients, clipNorm: number | undefined): HeldTarget {
  const held = holdGradient(tf, gradients);
  const norm = Math.sqrt(productsWith(tf, gradients, held).square);
  const factor = shrink(norm, clipNorm);
  return { held, factor, norm: factor * norm };
}

/** One domain's gradient beside the target's. */
export interface Aligned {
  readonly alignment: number;
  readonly norm: number;
  /** What clipping multiplies the gradient by. */
  readonly factor: number;
}

/** What a domain's gradient has with the target's, clipped. */
export function align({ product, square }: Products, target: HeldTarget | null, clipNorm: number | undefined): Aligned {
  const norm = Math.sqrt(square);
  const factor = shrink(norm, clipNorm);
  return { alignment: product * factor * (target?.factor ?? 0), norm: norm * factor, factor };
}

/** Evidence for a rule with a target. A batch without the target is evidence of no domain. */
export function alignmentEvidence(
  domains: readonly string[],
  aligned: readonly Aligned[],
  target: HeldTarget | null,
): LoopEvidence {
  const known = target === null ? [] : domains;
  return {
    alignment: byName(
      known,
      aligned.map(({ alignment }) => alignment),
    ),
    norms: byName(
      known,
      aligned.map(({ norm }) => norm),
    ),
    targetNorm: target?.norm ?? 0,
  };
}

/** The products of all pairs, clipped, and what clipping multiplied each gradient by. */
export function gramEvidence(
  domains: readonly string[],
  products: Float64Array,
  clipNorm: number | undefined,
): { readonly evidence: LoopEvidence; readonly factors: readonly number[] } {
  const n = domains.length;
  const factors = domains.map((_, i) => shrink(Math.sqrt(products[i * n + i] as number), clipNorm));
  const row = (i: number) =>
    byName(
      domains,
      domains.map((_, j) => (products[i * n + j] as number) * ((factors[i] as number) * (factors[j] as number))),
    );
  return { evidence: { gram: Object.fromEntries(domains.map((name, i) => [name, row(i)])) }, factors };
}
