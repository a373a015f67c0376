import type { Tensor, Variable } from '@tensorflow/tfjs';
import type { TensorFlow } from './tensorflow.js';

/** Some samples: the first dimension of both tensors counts them. */
export interface Batch {
  readonly inputs: Tensor;
  readonly targets: Tensor;
}

/** A network whose losses we may take apart. {@link gpt} and {@link layersModel} make one; so may you. */
export interface Model {
  readonly tf: TensorFlow;
  /** The variables by name; those that are not trainable are left alone. */
  readonly weights: Readonly<Record<string, Variable>>;
  /** The loss of each sample, [samples]; called inside tf.tidy. */
  losses(batch: Batch): Tensor;
  /**
   * The loss of each token, [samples, positions], whose mean over the positions is that of the sample. For what looks
   * at tokens one by one (DoReMi's excess loss); called inside tf.tidy.
   */
  tokenLosses?(batch: Batch): Tensor;
  /** What kind of layer a weight belongs to, for messages. */
  kindOf?(weight: string): string;
}
