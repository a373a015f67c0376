// Models of tf.layers under capture: for the length of one run their Dense, Embedding and LayerNormalization layers
// compute by our functions, which can be recorded. Nothing of the model stays changed.
import type { LayersModel, Tensor, Variable } from '@tensorflow/tfjs';
import { mismatch } from '../errors.js';
import { dense } from './layers/dense.js';
import { embedding } from './layers/embedding.js';
import { layerNorm } from './layers/norm.js';
import type { Batch, Model } from './model.js';
import { requireLabels } from './ops/labels.js';
import type { TensorFlow } from './tensorflow.js';

/** Options of {@link layersModel}. */
export interface LayersModelOptions {
  /**
   * The loss of each sample, [samples], from the outputs and targets of a batch. Default: the loss that the model was
   * compiled with.
   */
  readonly loss?: ((outputs: Tensor, targets: Tensor) => Tensor) | undefined;
}

// What we use of a layer, beyond what tfjs-layers declares.
interface LayerVariable {
  read(): Variable;
  /** Without the number that tells it from another variable of the same name. */
  readonly originalName: string;
  readonly name: string;
}
interface Layer {
  name: string;
  getClassName(): string;
  readonly trainableWeights: readonly LayerVariable[];
  call(inputs: Tensor | Tensor[], kwargs: object): Tensor | Tensor[];
  readonly kernel?: LayerVariable;
  readonly bias?: LayerVariable | null;
  readonly activation?: { apply(x: Tensor): Tensor } | null;
  readonly embeddings?: LayerVariable;
  readonly gamma?: LayerVariable | null;
  readonly beta?: LayerVariable | null;
  readonly axis?: readonly number[];
  readonly epsilon?: number;
}

/** The layer's own computation by our functions; undefined for kinds that have none, which then run as they are. */
type Computation = (tf: TensorFlow, layer: Layer, x: Tensor) => Tensor;

const COMPUTATIONS: Readonly<Record<string, Computation>> = {
  Dense(tf, { kernel, bias, activation }, x) {
    const y = dense(tf, x, (kernel as LayerVariable).read(), bias?.read());
    return activation ? activation.apply(y) : y;
  },
  Embedding: (tf, { embeddings }, x) => embedding(tf, tf.cast(x, 'int32'), (embeddings as LayerVariable).read()),
  LayerNormalization(tf, { gamma, beta, epsilon }, x) {
    const width = x.shape.at(-1) as number;
    return layerNorm(tf, x, gamma?.read() ?? tf.ones([width]), beta?.read() ?? tf.zeros([width]), epsilon);
  },
};

/** A layer norm over other dimensions than the last is one that we cannot compute. */
function computationOf(layer: Layer, x: Tensor): Computation | undefined {
  const overOthers = layer.axis !== undefined && layer.axis.join() !== String(x.rank - 1);
  return layer.getClassName() === 'LayerNormalization' && overOthers ? undefined : COMPUTATIONS[layer.getClassName()];
}

/**
 * A tf.layers model (sequential or functional, one input, one output) as a {@link Model}: its weights are named
 * "layer/kernel" and so on. Layers run as at inference, without dropout.
 *
 * Weights of Dense, Embedding and LayerNormalization layers can be captured; a weight of another kind of layer is an
 * error of captureGradients that names it, unless it is excluded.
 *
 * A label out of range, of a model compiled with "sparseCategoricalCrossentropy", is an error of losses, too.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT when there is no loss, or for a model with several inputs or outputs
 */
export function layersModel(tf: TensorFlow, model: LayersModel, options: LayersModelOptions = {}): Model {
  for (const name of ['inputs', 'outputs'] as const) {
    const tensors = (model as LayersModel | undefined)?.[name] as readonly unknown[] | undefined;
    if (tensors?.length !== 1) throw mismatch('GRADSIFT_ARGUMENT', `model.${name}`, 'one', tensors);
  }
  const loss = options.loss ?? compiledLoss(model);
  const layers = model.layers as unknown as readonly Layer[];
  const kinds = new Map<string, string>();
  const weights: Record<string, Variable> = {};
  for (const layer of layers) {
    for (const weight of layer.trainableWeights) {
      const short = `${layer.name}/${weight.originalName.split('/').at(-1) as string}`;
      // A layer made of layers (a model, say) may have several of one short name.
      const name = Object.hasOwn(weights, short) ? `${layer.name}/${weight.name}` : short;
      weights[name] = weight.read();
      kinds.set(name, layer.getClassName());
    }
  }
  const losses = ({ inputs, targets }: Batch) =>
    tf.tidy(() => {
      const outputs = withOurs(tf, layers, () => model.apply(inputs, { training: false }) as Tensor);
      return loss(outputs, targets);
    });
  return { tf, weights, losses, kindOf: (weight) => kinds.get(weight) ?? 'unknown' };
}

function compiledLoss(model: LayersModel): (outputs: Tensor, targets: Tensor) => Tensor {
  interface Compiled {
    readonly lossFunctions?: readonly ((targets: Tensor, outputs: Tensor) => Tensor)[];
  }
  // A sequential model holds the functional one that was compiled.
  const { model: inner, lossFunctions } = model as unknown as Compiled & { readonly model?: Compiled };
  const sparse = [model.loss].flat()[0] === 'sparseCategoricalCrossentropy';
  const loss = (inner?.lossFunctions ?? lossFunctions)?.[0];
  if (loss === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', 'loss', 'a function, or a model that was compiled with one', undefined);
  }
  return (outputs, targets) => {
    // To TensorFlow.js the loss of a label that is no class is 0.
    if (sparse) requireLabels(targets.dataSync(), outputs.shape.at(-1) as number);
    return loss(targets, outputs);
  };
}

/** Runs `work` with the layers computing by our functions: own properties hide their methods, and go again. */
function withOurs<Value>(tf: TensorFlow, layers: readonly Layer[], work: () => Value): Value {
  const changed: { readonly layer: Layer; readonly own: PropertyDescriptor | undefined }[] = [];
  try {
    for (const layer of layers) {
      if (COMPUTATIONS[layer.getClassName()] === undefined) continue;
      const call = layer.call.bind(layer);
      changed.push({ layer, own: Object.getOwnPropertyDescriptor(layer, 'call') });
      layer.call = (inputs, kwargs) => {
        const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor;
        const compute = computationOf(layer, x);
        return compute === undefined ? call(inputs, kwargs) : compute(tf, layer, x);
      };
    }
    return work();
  } finally {
    for (const { layer, own } of changed) {
      if (own === undefined) delete (layer as Partial<Layer>).call;
      else Object.defineProperty(layer, 'call', own);
    }
  }
}
