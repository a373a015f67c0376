// What the two closed forms of DataInf share.
import { outcome, type LayerOutcome, type LayerTask } from './estimator.js';
import type { Config } from './options.js';

/** Passes before the scoring one: the norms give lambda first, unless it is known. */
export function passesToLambda(config: Config, loaded: boolean): number {
  return config.damping.kind === 'absolute' || loaded ? 0 : 1;
}

/** The layer cannot be inverted without damping: each sample's matrix has rank one. */
export function undamped(solver: string, why: string): LayerOutcome {
  return outcome({ status: 'notPositiveDefinite', damping: 0, solver, why: `${why}; needs lambda > 0` });
}

/** v / lambda */
export async function startAtVOverLambda({ v, ops }: LayerTask, lambda: number): Promise<Float64Array> {
  const h = new Float64Array(v.length);
  for (let j = 0; j < v.length; ++j) {
    h[j] = (v[j] as number) / lambda;
    if ((j & 0xffff) === 0xffff) await ops.turn();
  }
  return h;
}
