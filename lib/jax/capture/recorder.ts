// What happens to a layer while gradients are captured. Zeros are added to its output; the gradient in these zeros is
// the gradient of the output, and of the weights themselves none is formed.
import { GradsiftError, mismatch, show } from '../../errors.js';
import type { JaxArray } from '../jax.js';

/** A term of the gradient of one weight, in arrays that the compiled program returns. */
export interface TracedTerm {
  readonly name: string;
  readonly r: number;
  readonly d: number;
  readonly positions: number;
  /** [samples, positions, r], indices [samples, positions], or null for a vector: r = 1. */
  readonly left: JaxArray | null;
  /** [samples, positions, d], or any shape of as many numbers. */
  readonly right: JaxArray;
}

/** Makes terms of the gradient of what was watched, and of what was kept beside it. It owns neither. */
export type TermsOf = (delta: JaxArray, kept: readonly JaxArray[]) => TracedTerm[];

/** A weight whose gradient was asked for. */
export interface ChosenWeight {
  readonly name: string;
  readonly value: JaxArray;
}

export interface Recorder {
  readonly samples: number;
  /** What stands behind an array that was handed to the model for a weight; undefined for all others. */
  chosen(array: JaxArray | undefined): ChosenWeight | undefined;
  /** Asks for the gradient of y; takes y and `kept`. Returns y, to be used from here on. */
  watch(y: JaxArray, kept: readonly JaxArray[], termsOf: TermsOf): JaxArray;
}

let active: Recorder | undefined;

/** The recorder at work, while a model is traced under {@link recording}. */
export function activeRecorder(): Recorder | undefined {
  return active;
}

/** Runs `work` (synchronously) with its layers recorded. */
export function recording<Value>(recorder: Recorder, work: () => Value): Value {
  if (active !== undefined) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', 'captureGradients: expected no capture inside another');
  }
  active = recorder;
  try {
    return work();
  } finally {
    active = undefined;
  }
}

/** What a weight may be asked without being computed with. */
const HARMLESS = new Set<string | symbol>(['shape', 'ndim', 'size', 'dtype', 'constructor', 'toString']);

/**
 * Stands for a weight in the hands of the model: our layers know it and take what is behind it, and everything else
 * that touches it is an error that says so, since that part of the gradient would be missing.
 */
export function guarded({ name, value }: ChosenWeight): JaxArray {
  const guard: JaxArray = new Proxy(value, {
    get(target, key) {
      if (key === 'ref') {
        void target.ref;
        return guard;
      }
      if (key === 'dispose') return () => target.dispose();
      if (typeof key === 'symbol' || HARMLESS.has(key)) return Reflect.get(target, key, target) as unknown;
      throw new GradsiftError(
        'GRADSIFT_ARGUMENT',
        `model: weight ${show(name)} is used outside the layers that capture knows (by its ${show(key)}): dense, ` +
          'loraDense, embedding, unembedding, layerNorm, rmsNorm; leave it out with `exclude`, or use gradientRows',
      );
    },
  });
  return guard;
}

/** Positions of a sample in an array whose first dimension counts samples. */
export function positionsIn({ samples }: Recorder, array: JaxArray, lastDimensions: number, layer: string): number {
  const { shape } = array;
  if (!(shape.length > lastDimensions && shape[0] === samples)) {
    const expected = `an input of ${samples} samples in its first dimension`;
    throw mismatch('GRADSIFT_SHAPE', layer, expected, shape.join(' x '));
  }
  return shape.slice(1, shape.length - lastDimensions).reduce((product, length) => product * length, 1);
}

/** A term for a vector that is added to, or multiplies, every position: one row a sample. Takes `rows`. */
export function vectorTerm({ samples }: Recorder, name: string, d: number, rows: JaxArray): TracedTerm {
  const right = rows.size === samples * d ? rows : rows.reshape([samples, -1, d]).sum(1);
  return { name, r: 1, d, positions: 1, left: null, right };
}
