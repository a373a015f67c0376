import type { Jax, JaxArray } from './jax.js';

/** Some samples: the first dimension of both arrays counts them. Float32, int32, uint32 or bool. */
export type Batch = {
  readonly inputs: JaxArray;
  readonly targets: JaxArray;
};

/** Weights by name. */
export type Weights = Readonly<Record<string, JaxArray>>;

/** A network whose losses we may take apart. Cheap to make: a new one for new weights, around the same `losses`. */
export interface Model {
  readonly jax: Jax;
  /** Owned by the caller: nothing here frees them. */
  readonly weights: Weights;
  /**
   * The loss of each sample, [samples], out of {@link dense} and its like. A function as jax-js wants them: it is
   * traced and compiled, once for every set of shapes, so it must be pure; and it owns what it is given, so an array
   * that is used twice is used as `array.ref` first. Keep one function: what is compiled is remembered by it.
   */
  readonly losses: (weights: Weights, batch: Batch) => JaxArray;
}
