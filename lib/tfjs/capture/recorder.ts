// What happens to a layer while gradients are captured. The forward value stays the same; in the backward pass the
// layer is told the gradient of its output, keeps what its weights' gradients are made of, and hands on the gradient of
// its input alone: no weight gradient is formed.
import type { Tensor, Variable } from '@tensorflow/tfjs';
import { GradsiftError } from '../../errors.js';
import type { FactoredTerm } from '../../gradients/factored.js';
import { matmul } from '../../linalg/matmul.js';
import type { TensorFlow } from '../tensorflow.js';

/** How a gradient is laid out, r x d, and what it is the sum of. */
export interface Recorded {
  readonly r: number;
  readonly d: number;
  readonly terms: FactoredTerm[];
}

export interface Recorder {
  readonly samples: number;
  /** Whether the gradient of this variable was asked for. */
  wants(weight: Tensor | undefined): weight is Variable;
  /** Values of a tensor, copied once however many layers read it. */
  values(tensor: Tensor): Float32Array | Int32Array;
  /** Adds a use of a weight. */
  record(variable: Variable, size: { readonly r: number; readonly d: number }, term: FactoredTerm): void;
  /** Whether the gradient of a tensor leads nowhere: a batch is data. */
  isData(tensor: Tensor): boolean;
  /** A variable that every captured layer hangs on, so that the backward pass reaches those that read data. */
  readonly root: Variable;
}

let active: Recorder | undefined;

/** The recorder at work, while a model runs under {@link recording}. */
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

/** A layer as the recorder sees it. */
export interface Site {
  readonly value: (save: (tensors: Tensor[]) => void) => Tensor;
  /** Called with the gradient of the value: keeps what is needed. */
  readonly keep: (gradient: Tensor, saved: readonly Tensor[]) => void;
  /** The gradient of the input: a new tensor, since TensorFlow.js may dispose it. */
  readonly back: (gradient: Tensor, saved: readonly Tensor[]) => Tensor;
}

/** Runs a layer under the recorder; `input` is null where it is no number that has a gradient. */
export function recordedLayer(tf: TensorFlow, recorder: Recorder, input: Tensor | null, site: Site): Tensor {
  const hasGradient = input !== null && !recorder.isData(input);
  const run = (...args: unknown[]) => {
    const save = args.at(-1) as (tensors: Tensor[]) => void;
    const gradFunc = (gradient: Tensor, saved: Tensor[]) => {
      site.keep(gradient, saved);
      return hasGradient ? [tf.scalar(0), site.back(gradient, saved)] : [tf.scalar(0)];
    };
    return { value: site.value(save), gradFunc };
  };
  const inputs = hasGradient ? [recorder.root, input] : [recorder.root];
  return tf.customGrad(run)(...inputs);
}

/** Positions of a sample in a tensor whose first dimension counts samples. */
export function positionsIn(recorder: Recorder, tensor: Tensor, lastDimensions: number, layer: string): number {
  const { shape } = tensor;
  if (!(shape.length > lastDimensions - 1 && shape[0] === recorder.samples)) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${layer}: expected ${recorder.samples} samples in the first dimension of its input, got [${shape.join(', ')}]`,
    );
  }
  return shape.slice(1, shape.length - lastDimensions).reduce((product, length) => product * length, 1);
}

/** Sums of [samples, positions, length] over the positions. */
function sumPositions(values: Float32Array, samples: number, length: number): Float32Array {
  const positions = values.length / (samples * length);
  const ones = new Float32Array(positions).fill(1);
  return matmul(ones, values, { m: 1, k: positions, n: length, batch: samples, strideA: 0 });
}

/** Records the gradient of a vector that is added to, or multiplies, every position: one row a sample. */
export function recordVector(recorder: Recorder, variable: Variable, values: Float32Array): void {
  const { samples } = recorder;
  const d = variable.size;
  const right = values.length === samples * d ? values : sumPositions(values, samples, d);
  recorder.record(variable, { r: 1, d }, { positions: 1, left: new Int32Array(samples), right });
}
