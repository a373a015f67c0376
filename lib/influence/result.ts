// What a job returns, and its JSON form (schema gradsift/influence/1).
import type { InputRecord } from '../gradients/store.js';
import type { LayerOutcome, OutcomeStatus } from './estimator.js';
import type { SkippedSample } from './layer-rows.js';
import type { Convention, FisherScale, GramPrecision, MethodName, Side } from './options.js';
import type { PresetName } from './presets.js';
import type { Ranked } from './top-k.js';

/** One layer under one method: how its inverse was applied, and how far that can be trusted. */
export interface LayerRecord extends LayerOutcome {
  readonly name: string;
  /** [samples, r, d] */
  readonly shape: readonly [number, number, number];
  /** Share of this layer in the sum of |score| over layers, samples and queries, in [0, 1]; 0 when all scores are 0. */
  readonly share: number;
  /** The layer's own scores, one list a query, when perLayerScores asks for them. */
  readonly scores?: readonly Float64Array[];
}

export interface TopSamples {
  readonly highest: readonly Ranked[];
  readonly lowest: readonly Ranked[];
}

/** The scores of one method, with the outcome of every layer. */
export interface MethodResult {
  /** The worst of its layers. Anything but 'ok' is worth a look. */
  readonly status: OutcomeStatus;
  /** One list a query: a number for each training sample, NaN for one that was skipped. */
  readonly scores: readonly Float64Array[];
  /** Most times the rows of any layer were read for it. */
  readonly passes: number;
  readonly layers: readonly LayerRecord[];
  /** The extremes of each query, when topK asks for them. */
  readonly top?: readonly TopSamples[];
  /** Time in this method's own work; reading, shared by all methods, is not in it. */
  readonly seconds: number;
}

/** The result of {@link influence}: plain data, the JSON of `gradsift influence`. */
export interface InfluenceResult {
  readonly schema: 'gradsift/influence/1';
  /** 'loss-derivative': positive scores raise the validation loss (harmful). 'proponent': the opposite. */
  readonly convention: Convention;
  readonly samples: number;
  readonly ids: readonly (string | number)[] | null;
  /** ["mean"], or the index of each validation sample. */
  readonly queries: readonly (string | number)[];
  readonly methods: Readonly<Partial<Record<MethodName, MethodResult>>>;
  /** The options that decide the numbers. */
  readonly options: {
    readonly preset: PresetName | null;
    readonly side: Side;
    readonly fisherScale: FisherScale;
    readonly gramPrecision: GramPrecision;
    readonly damping: number | null;
    readonly dampingRatio: number | null;
  };
  /** Samples of any store left out because they hold NaN or infinity (onNonFinite 'skip'). */
  readonly skipped: readonly SkippedSample[];
  /** Layers that contribute exactly 0 because all their gradients, and so their damping, are zero. */
  readonly skippedLayers: readonly string[];
  /** Layers of `val` that `train` does not have, and that were not used. */
  readonly unusedLayers: readonly string[];
  readonly inputs: readonly InputRecord[];
  readonly version: string;
  readonly isa: string;
  readonly threads: number;
  readonly seconds: number;
}

const WORST: readonly OutcomeStatus[] = [
  'ok',
  'skipped',
  'stepLimit',
  'stagnated',
  'diverged',
  'notPositiveDefinite',
  'nonFinite',
];

/** The worst status of a method's layers; a skipped layer is exact, and does not count. */
export function worstStatus(layers: readonly Pick<LayerOutcome, 'status'>[]): OutcomeStatus {
  const worst = Math.max(0, ...layers.map(({ status }) => WORST.indexOf(status)));
  const status = WORST[worst] as OutcomeStatus;
  return status === 'skipped' ? 'ok' : status;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface ToJsonOptions {
  /** Where the scores of each method were written instead: the JSON then names the file and holds none of them. */
  readonly scoreFiles?: Readonly<Partial<Record<MethodName, string>>> | undefined;
}

/** Numbers as JSON has them: null for NaN and infinity. */
const number = (value: number) => (Number.isFinite(value) ? value : null);

function layerJson({ scores, ...layer }: LayerRecord): Json {
  const fields = Object.entries(layer).map(([key, value]): [string, Json] => {
    return [key, typeof value === 'number' ? number(value) : value];
  });
  const own: [string, Json][] =
    scores === undefined ? [] : [['scores', scores.map((list) => Array.from(list, number))]];
  return Object.fromEntries([...fields, ...own]);
}

function methodJson(method: MethodResult, ids: InfluenceResult['ids'], file: string | undefined): Json {
  const ranked = (list: readonly Ranked[]) =>
    list.map(({ index, score }) => ({
      sample: index,
      ...(ids === null ? {} : { id: ids[index] as string }),
      score: number(score),
    }));
  const scores =
    file === undefined
      ? { scores: method.scores.map((list) => Array.from(list, number)) }
      : { scores: null, scoresFile: file };
  const top = method.top?.map(({ highest, lowest }) => ({ highest: ranked(highest), lowest: ranked(lowest) }));
  return {
    status: method.status,
    ...scores,
    passes: method.passes,
    layers: method.layers.map(layerJson),
    ...(top === undefined ? {} : { top }),
    seconds: method.seconds,
  };
}

/** A result as plain JSON values: typed arrays become arrays, NaN (a skipped sample) becomes null. */
export function toJson(
  result: InfluenceResult,
  { scoreFiles = {} }: ToJsonOptions = {},
): { readonly [key: string]: Json } {
  const methods = Object.entries(result.methods).map(([name, method]) => [
    name,
    methodJson(method, result.ids, scoreFiles[name as MethodName]),
  ]);
  const { skipped, inputs, ...rest } = result;
  return {
    ...rest,
    methods: Object.fromEntries(methods) as Json,
    skipped: skipped.map((sample) => ({ ...sample })),
    inputs: inputs.map((input) => ({ ...input })),
  };
}
