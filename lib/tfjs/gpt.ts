import type { Tensor, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs';
import { GradsiftError, mismatch, requireInteger, requireNumber } from '../errors.js';
import { causalSelfAttention, project, type AttentionWeights, type Projection } from './layers/attention.js';
import { embedding, unembedding } from './layers/embedding.js';
import { dense } from './layers/dense.js';
import { layerNorm } from './layers/norm.js';
import type { Batch, Model } from './model.js';
import { gelu } from './ops/gelu.js';
import { softmaxCrossEntropy } from './ops/softmax-cross-entropy.js';
import type { TensorFlow } from './tensorflow.js';

/** Sizes of {@link gpt}. */
export interface GptOptions {
  /** Tokens are 0..vocab-1. */
  readonly vocab: number;
  /** Most positions of a sample. */
  readonly context: number;
  readonly layers: number;
  /** Divides width. */
  readonly heads: number;
  readonly width: number;
  /** The logits are read from the token embedding; default true. */
  readonly tied?: boolean | undefined;
  /** Trains updates of low rank beside the attention and feed-forward projections, and nothing else. */
  readonly lora?: LoraOptions | undefined;
  /** Of the initial weights; default 0. */
  readonly seed?: number | undefined;
}

/** LoRA of {@link gpt}: (alpha / rank) A B beside each projection. */
export interface LoraOptions {
  readonly rank: number;
  /** Default: rank, a scale of 1. */
  readonly alpha?: number | undefined;
}

/** A small GPT: what {@link gpt} returns. */
export interface Gpt extends Model {
  readonly options: GptOptions;
  /** Logits of the next token, [samples, positions, vocab], from tokens, int32 [samples, positions]. */
  logits(tokens: Tensor): Tensor;
  /** The cross-entropy at each position, [samples, positions], in nats; targets are the next tokens. */
  tokenLosses(batch: Batch): Tensor2D;
  /** The mean cross-entropy over the positions of each sample, in nats; targets are the next tokens. */
  losses(batch: Batch): Tensor1D;
  /** Frees the weights. */
  dispose(): void;
}

interface NormWeights {
  readonly gain: Variable;
  readonly bias: Variable;
}

interface Block {
  readonly norm1: NormWeights;
  readonly attention: AttentionWeights;
  readonly norm2: NormWeights;
  readonly up: Projection;
  readonly down: Projection;
}

interface Weights {
  readonly tokens: Variable;
  readonly positions: Variable;
  readonly blocks: readonly Block[];
  readonly norm: NormWeights;
  readonly head: Variable | undefined;
}

/** Standard deviation of the initial weights (Radford et al. 2019). */
const INITIAL = 0.02;

/**
 * A decoder-only transformer in the form of GPT-2: learned positions, layer norm before each part, GELU between two
 * projections of 4 x width, causal attention. Weights are named "blocks.0.attention.query.weight" and so on.
 *
 * Weights start from N(0, 0.02^2), those that add to the residual divided by sqrt(2 layers); biases from 0.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, naming the option
 */
export function gpt(tf: TensorFlow, options: GptOptions): Gpt {
  checkOptions(options);
  const named: Record<string, Variable> = {};
  const weights = tf.tidy(() => createWeights(tf, options, named) as never) as Weights;
  const logits = (tokens: Tensor): Tensor => tf.tidy(() => forward(tf, options, weights, tokens));
  const tokenLosses = ({ inputs, targets }: Batch): Tensor2D => {
    requireTokens('inputs', inputs, options);
    return tf.tidy(() => softmaxCrossEntropy(tf, logits(inputs), targets) as Tensor2D);
  };
  return {
    tf,
    options,
    weights: named,
    logits,
    tokenLosses,
    losses: (batch) => tf.tidy(() => tf.mean<Tensor1D>(tokenLosses(batch), 1)),
    dispose: () => Object.values(named).forEach((variable) => variable.dispose()),
  };
}

function checkOptions(options: GptOptions): void {
  const { lora, seed = 0, heads, width } = options;
  for (const name of ['vocab', 'context', 'layers', 'heads', 'width'] as const) requireInteger(name, options[name], 1);
  requireInteger('seed', seed, 0);
  if (width % heads !== 0) throw mismatch('GRADSIFT_ARGUMENT', 'width', `a multiple of ${heads} heads`, width);
  if (lora === undefined) return;
  requireInteger('lora.rank', lora.rank, 1);
  if (lora.alpha !== undefined) requireNumber('lora.alpha', lora.alpha, 'a number > 0', (alpha) => alpha > 0);
}

function createWeights(tf: TensorFlow, options: GptOptions, named: Record<string, Variable>): Weights {
  const { vocab, context, layers, width, tied = true, lora } = options;
  let { seed = 0 } = options;
  const add = (name: string, value: Tensor, trainable: boolean) => (named[name] = tf.variable(value, trainable));
  const normal = (shape: [number, number], deviation: number) =>
    tf.randomNormal(shape, 0, deviation, 'float32', ++seed * 7919);
  const frozen = lora === undefined;
  const norm = (name: string): NormWeights => ({
    gain: add(`${name}.gain`, tf.ones([width]), frozen),
    bias: add(`${name}.bias`, tf.zeros([width]), frozen),
  });
  const projection = (name: string, from: number, to: number, deviation = INITIAL): Projection => {
    const weight = add(`${name}.weight`, normal([from, to], deviation), frozen);
    const bias = add(`${name}.bias`, tf.zeros([to]), frozen);
    if (lora === undefined) return { weight, bias };
    const { rank, alpha = rank } = lora;
    const loraA = add(`${name}.loraA`, normal([from, rank], 1 / Math.sqrt(from)), true);
    const loraB = add(`${name}.loraB`, tf.zeros([rank, to]), true);
    return { weight, bias, loraA, loraB, loraScale: alpha / rank };
  };
  const residual = INITIAL / Math.sqrt(2 * layers);
  const tokens = add('tokens', normal([vocab, width], INITIAL), frozen);
  const positions = add('positions', normal([context, width], INITIAL), frozen);
  const blocks = Array.from({ length: layers }, (_, index): Block => {
    const at = `blocks.${index}`;
    return {
      norm1: norm(`${at}.norm1`),
      attention: {
        query: projection(`${at}.attention.query`, width, width),
        key: projection(`${at}.attention.key`, width, width),
        value: projection(`${at}.attention.value`, width, width),
        output: projection(`${at}.attention.output`, width, width, residual),
      },
      norm2: norm(`${at}.norm2`),
      up: projection(`${at}.up`, width, 4 * width),
      down: projection(`${at}.down`, 4 * width, width, residual),
    };
  });
  const last = norm('norm');
  const head = tied ? undefined : add('head', normal([width, vocab], INITIAL), frozen);
  return { tokens, positions, blocks, norm: last, head };
}

function forward(tf: TensorFlow, { heads }: GptOptions, weights: Weights, tokens: Tensor): Tensor {
  const [samples, length] = tokens.shape as [number, number];
  const places = tf.tile(tf.expandDims<Tensor2D>(tf.range(0, length, 1, 'int32'), 0), [samples, 1]);
  let x = tf.add(embedding(tf, tokens, weights.tokens), embedding(tf, places, weights.positions));
  for (const { norm1, attention, norm2, up, down } of weights.blocks) {
    x = tf.add(x, causalSelfAttention(tf, layerNorm(tf, x, norm1.gain, norm1.bias), attention, heads));
    const hidden = gelu(tf, project(tf, layerNorm(tf, x, norm2.gain, norm2.bias), up));
    x = tf.add(x, project(tf, hidden, down));
  }
  const y = layerNorm(tf, x, weights.norm.gain, weights.norm.bias);
  return weights.head === undefined ? unembedding(tf, y, weights.tokens) : dense(tf, y, weights.head);
}

function requireTokens(name: string, tokens: Tensor, { context }: GptOptions): void {
  if (tokens.dtype !== 'int32') throw mismatch('GRADSIFT_DTYPE', name, 'int32 tokens', tokens.dtype);
  if (!(tokens.shape.length === 2 && tokens.shape[1] <= context)) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${name}: expected [samples, at most ${context} positions], got [${tokens.shape.join(', ')}]`,
    );
  }
}
