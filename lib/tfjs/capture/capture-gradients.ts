import type { Tensor, Variable } from '@tensorflow/tfjs';
import { GradsiftError, mismatch, show } from '../../errors.js';
import type { CapturedGradients, CaptureOptions } from '../../gradients/captured-gradients.js';
import type { FactoredLayer } from '../../gradients/factored.js';
import { selectNames } from '../../gradients/layers.js';
import type { Batch, Model } from '../model.js';
import { recording, type Recorded, type Recorder } from './recorder.js';

/**
 * Gradients of the loss of every sample of a batch, for the chosen weights, in one forward and one backward pass. They
 * come as factors: g_i = sum_t left_t' right_t, out of what entered each layer and the gradient of what left it.
 * factoredNorms, factoredDots, factoredGram, factoredGfim and domainGradients work on them as they are; factoredRows
 * forms them, [samples, r, d].
 *
 * TensorFlow.js computes in float32: so are the factors.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT for disposed tensors, a weight that is used in a way that cannot be captured
 *   (named with its kind of layer), labels out of range; GRADSIFT_SHAPE for losses that are not one a sample;
 *   GRADSIFT_DTYPE
 */
export function captureGradients(model: Model, batch: Batch, options: CaptureOptions = {}): CapturedGradients {
  const samples = requireBatch(batch);
  const chosen = chooseWeights(model, options);
  const recorded = new Map<Variable, Recorded>();
  const losses = runRecorded(model, batch, samples, chosen, recorded);
  const layers = [...chosen].map(([variable, name]): FactoredLayer => {
    const found = recorded.get(variable);
    if (found === undefined) throw unsupported(model, name, UNUSED);
    return { name, samples, ...found };
  });
  return { samples, losses, layers };
}

const UNUSED = 'is used by no layer that capture knows';

/** Samples in a batch. @throws GRADSIFT_ARGUMENT, GRADSIFT_DTYPE or GRADSIFT_SHAPE naming the tensor */
export function requireBatch(batch: Batch): number {
  const sizes = (['inputs', 'targets'] as const).map((name) => {
    const tensor = (batch as Partial<Batch> | undefined)?.[name];
    if (typeof tensor?.dataSync !== 'function')
      throw mismatch('GRADSIFT_ARGUMENT', `batch.${name}`, 'a tensor', tensor);
    if (tensor.isDisposed) {
      throw new GradsiftError('GRADSIFT_ARGUMENT', `batch.${name}: expected a tensor, got one that was disposed`);
    }
    if (!['float32', 'int32', 'bool'].includes(tensor.dtype)) {
      throw mismatch('GRADSIFT_DTYPE', `batch.${name}`, 'float32 or int32', tensor.dtype);
    }
    if (!((tensor.shape[0] ?? 0) > 0)) {
      throw new GradsiftError(
        'GRADSIFT_SHAPE',
        `batch.${name}: expected samples in the first dimension, got [${tensor.shape.join(', ')}]`,
      );
    }
    return tensor.shape[0];
  });
  const [samples, targets] = sizes as [number, number];
  if (samples !== targets) throw mismatch('GRADSIFT_SHAPE', 'batch.targets', `${samples} samples, as inputs`, targets);
  return samples;
}

/** The variables asked for, with their names. */
function chooseWeights({ weights }: Model, options: CaptureOptions): Map<Variable, string> {
  const trainable = Object.entries(weights).filter(([, variable]) => variable.trainable);
  const names = selectNames(
    'model',
    trainable.map(([name]) => name),
    options,
  );
  const chosen = new Map<Variable, string>();
  for (const [name, variable] of trainable) {
    if (!names.has(name)) continue;
    if (variable.isDisposed) {
      throw new GradsiftError('GRADSIFT_ARGUMENT', `model: weight ${show(name)} was disposed`);
    }
    if (variable.dtype !== 'float32') {
      throw mismatch('GRADSIFT_DTYPE', `model: weight ${show(name)}`, 'float32', variable.dtype);
    }
    chosen.set(variable, name);
  }
  return chosen;
}

function unsupported(model: Model, name: string, what: string): GradsiftError {
  const kind = model.kindOf?.(name);
  const supported = 'dense, LoRA, attention projections, embeddings, and the scales and biases of norms';
  return new GradsiftError(
    'GRADSIFT_ARGUMENT',
    `model: weight ${show(name)}${kind === undefined ? '' : ` (layer kind ${kind})`} ${what}: ` +
      `those are ${supported}; leave it out with \`exclude\``,
  );
}

function runRecorded(
  model: Model,
  batch: Batch,
  samples: number,
  chosen: ReadonlyMap<Variable, string>,
  recorded: Map<Variable, Recorded>,
): Float32Array {
  const { tf } = model;
  const root = tf.tidy(() => tf.variable(tf.scalar(0), true));
  const seen = new Set<Tensor>();
  const recorder = createRecorder(model, batch, samples, { root, chosen, seen, recorded });
  let losses = new Float32Array(0);
  try {
    const others = tf.tidy(() => {
      const { grads } = tf.variableGrads(() => {
        const perSample = recording(recorder, () => model.losses(batch));
        // Before the backward pass, for which the backend may lack a kernel (of a convolution, say).
        for (const [variable, name] of chosen) if (!seen.has(variable)) throw unsupported(model, name, UNUSED);
        requireLosses(perSample, samples);
        losses = perSample.dataSync<'float32'>().slice();
        return tf.sum(perSample);
      }, [root, ...chosen.keys()]);
      return Object.keys(grads);
    });
    // What goes past the recorder leaves a gradient behind: half of a weight's would be missing.
    for (const [variable, name] of chosen) {
      if (others.includes(variable.name))
        throw unsupported(model, name, 'is used outside the layers that capture knows');
    }
  } finally {
    root.dispose();
  }
  return losses;
}

/** @throws GRADSIFT_SHAPE unless the losses are one a sample */
export function requireLosses(losses: Tensor, samples: number): void {
  if (losses.shape.length === 1 && losses.shape[0] === samples) return;
  throw new GradsiftError(
    'GRADSIFT_SHAPE',
    `model.losses: expected one loss a sample, [${samples}], got [${losses.shape.join(', ')}]`,
  );
}

interface Records {
  readonly root: Variable;
  readonly chosen: ReadonlyMap<Variable, string>;
  /** The weights of the layers that were gone through. */
  readonly seen: Set<Tensor>;
  readonly recorded: Map<Variable, Recorded>;
}

function createRecorder(model: Model, batch: Batch, samples: number, records: Records): Recorder {
  const { root, chosen, seen, recorded } = records;
  const copies = new WeakMap<object, Float32Array | Int32Array>();
  return {
    samples,
    root,
    wants(weight): weight is Variable {
      const wanted = chosen.has(weight as Variable);
      if (wanted) seen.add(weight as Variable);
      return wanted;
    },
    isData: ({ dataId }) => dataId === batch.inputs.dataId || dataId === batch.targets.dataId,
    values(tensor) {
      const known = copies.get(tensor.dataId);
      if (known !== undefined) return known;
      // The cpu backend hands out its own memory, perhaps that of an array of the caller; the others make a copy.
      const read = tensor.dataSync<'float32'>();
      const values = model.tf.getBackend() === 'cpu' ? read.slice() : read;
      copies.set(tensor.dataId, values);
      return values;
    },
    record(variable, size, term) {
      const { terms } = recorded.get(variable) ?? { terms: [] };
      recorded.set(variable, { ...size, terms: [...terms, term] });
    },
  };
}
