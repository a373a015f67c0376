// The options of `gradsift cluster` as text, and as checked values. No file is opened here.
import { GradsiftError, mismatch } from '../errors.js';
import type { FitClustersOptions } from '../reweighting/cluster-tree.js';
import type { CrispOptions, CrispSmoothing } from '../reweighting/crisp.js';
import type { LsaOptions } from '../reweighting/lsa.js';
import { given, parseInteger, parseList, parseOneOf, parsePath, parsePositive } from './values.js';

interface DocumentFlags {
  readonly embeddings?: string;
  readonly texts?: string;
  readonly field?: string;
}

/** What commander hands over: text, undefined where an option was not given. */
export interface ClusterFitFlags extends DocumentFlags {
  readonly branching: string;
  readonly seed?: string;
  readonly iterations?: string;
  readonly samples?: string;
  readonly batch?: string;
  readonly balance?: string;
  readonly spherical?: boolean;
  /** Of --no-normalise: true where it was not given. */
  readonly normalise: boolean;
  readonly dimensions?: string;
  readonly words?: string;
  readonly characters?: string;
  readonly features?: string;
  readonly saveEmbeddings?: string;
  readonly out: string;
  readonly dryRun?: boolean;
  readonly format?: string;
  readonly threads?: string;
  readonly quiet?: boolean;
}

export interface ClusterAssignFlags extends DocumentFlags {
  readonly tree: string;
  readonly levels?: string;
  readonly out?: string;
  readonly format?: string;
  readonly threads?: string;
  readonly quiet?: boolean;
}

export interface ClusterWeightsFlags {
  readonly generic: string;
  readonly target: readonly string[];
  readonly taskWeights?: string;
  readonly levels?: string;
  readonly branching?: string;
  readonly smoothing?: string;
  readonly uncovered?: string;
  readonly budget?: string;
  readonly maxEpochs?: string;
  readonly unit?: string;
  readonly out?: string;
  readonly report?: string;
  readonly texts?: string;
  readonly targetTexts?: string;
  readonly field?: string;
  readonly quiet?: boolean;
}

/** Embeddings from a file, or texts to embed. */
export type DocumentsRequest =
  | { readonly embeddings: string; readonly texts?: undefined }
  | { readonly texts: readonly string[]; readonly embeddings?: undefined; readonly field: string | undefined };

/** `1,2`: whole numbers of at least 1. */
function parseSizes(name: string, text: string): number[] {
  return parseList(name, text).map((part) => parseInteger(name, part, 1));
}

/** `1,2`: shortest and longest. */
function parseRange(name: string, text: string): [number, number] {
  const [shortest, longest, ...more] = parseSizes(name, text);
  if (shortest !== undefined && longest !== undefined && longest >= shortest && more.length === 0) {
    return [shortest, longest];
  }
  throw mismatch('GRADSIFT_ARGUMENT', name, 'shortest,longest, as in 1,2, or none', text);
}

function parseUnless<T>(none: string, text: string, parse: (text: string) => T): T | null {
  return text === none ? null : parse(text);
}

function documentsOf({ embeddings, texts, field }: DocumentFlags): DocumentsRequest {
  if ((embeddings === undefined) === (texts === undefined)) {
    const got = embeddings === undefined ? 'none' : 'both';
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--embeddings, --texts: expected one of them, got ${got}`);
  }
  if (texts !== undefined) return { texts: parseList('--texts', texts), field };
  if (field !== undefined) throw mismatch('GRADSIFT_ARGUMENT', '--field', '--texts beside it', field);
  return { embeddings: parsePath('--embeddings', embeddings as string) };
}

/** Everything about the tree and the embedding that is a number. */
export type TreeSettings = Omit<FitClustersOptions, 'signal' | 'onProgress'>;
export type EmbeddingSettings = Omit<LsaOptions, 'signal' | 'onProgress'>;

/** Checks every option. @throws GRADSIFT_ARGUMENT naming the option, what was expected and what came */
export function parseClusterFitFlags(flags: ClusterFitFlags, terminal: boolean) {
  const documents = documentsOf(flags);
  const threads = given(flags.threads, (text) => parseInteger('--threads', text, 1, 1024));
  const seed = parseInteger('--seed', flags.seed ?? '0', 0);
  const range = (name: string, text: string | undefined) =>
    given(text, (some) => parseUnless('none', some, (pair) => parseRange(name, pair)));
  const tree: TreeSettings = {
    branching: parseSizes('--branching', flags.branching),
    ...{ seed, threads },
    iterations: given(flags.iterations, (text) => parseInteger('--iterations', text, 0)),
    samples: given(flags.samples, (text) => parseInteger('--samples', text, 1)),
    batch: given(flags.batch, (text) => parseInteger('--batch', text, 1)),
    balance: given(flags.balance, (text) => parseUnless('none', text, (x) => parsePositive('--balance', x))),
    spherical: flags.spherical,
    normalise: flags.normalise,
  };
  const own = ['dimensions', 'words', 'characters', 'features', 'saveEmbeddings'] as const;
  const stray = own.find((name) => flags[name] !== undefined);
  if (documents.texts === undefined && stray !== undefined) {
    const flag = stray === 'saveEmbeddings' ? '--save-embeddings' : `--${stray}`;
    throw mismatch('GRADSIFT_ARGUMENT', flag, '--texts beside it', flags[stray]);
  }
  const embedding: EmbeddingSettings = {
    ...{ seed, threads },
    dimensions: given(flags.dimensions, (text) => parseInteger('--dimensions', text, 1)),
    words: range('--words', flags.words),
    characters: range('--characters', flags.characters),
    features: given(flags.features, (text) => parseInteger('--features', text, 1)),
  };
  return {
    ...{ documents, tree, embedding },
    saveEmbeddings: given(flags.saveEmbeddings, (text) => parsePath('--save-embeddings', text)),
    out: parsePath('--out', flags.out),
    dryRun: flags.dryRun ?? false,
    format: parseOneOf('--format', flags.format ?? (terminal ? 'table' : 'json'), ['table', 'json']),
    quiet: flags.quiet ?? false,
  };
}
export type ClusterFitRequest = ReturnType<typeof parseClusterFitFlags>;

export const CLUSTER_FORMATS = ['json', 'csv', 'npy'] as const;
export type ClusterFormat = (typeof CLUSTER_FORMATS)[number];

/** @throws GRADSIFT_ARGUMENT */
export function parseClusterAssignFlags(flags: ClusterAssignFlags) {
  const out = given(flags.out, (text) => parsePath('--out', text));
  const ending = CLUSTER_FORMATS.find((name) => out?.toLowerCase().endsWith(`.${name}`));
  const format = parseOneOf('--format', flags.format ?? ending ?? 'json', CLUSTER_FORMATS);
  if (format === 'npy' && out === undefined)
    throw mismatch('GRADSIFT_ARGUMENT', '--format', 'an --out for npy', 'none');
  return {
    documents: documentsOf(flags),
    tree: parsePath('--tree', flags.tree),
    levels: given(flags.levels, (text) => parseInteger('--levels', text, 1)),
    threads: given(flags.threads, (text) => parseInteger('--threads', text, 1, 1024)),
    ...{ out, format },
    quiet: flags.quiet ?? false,
  };
}
export type ClusterAssignRequest = ReturnType<typeof parseClusterAssignFlags>;

function parseSmoothing(text: string): CrispSmoothing | undefined {
  if (text === 'none') return undefined;
  const [kind = '', lambda] = text.split(':');
  if (lambda === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', '--smoothing', 'none, additive:0.5 or generic:0.1', text);
  }
  return {
    kind: parseOneOf('--smoothing', kind, ['additive', 'generic']),
    lambda: parsePositive('--smoothing', lambda),
  };
}

/** Options of crisp() that are not counts. */
export type CrispSettings = Omit<CrispOptions, 'target' | 'generic' | 'branching'>;

/** @throws GRADSIFT_ARGUMENT */
export function parseClusterWeightsFlags(flags: ClusterWeightsFlags) {
  const { texts, targetTexts, report } = flags;
  const crisp: CrispSettings = {
    smoothing: given(flags.smoothing, parseSmoothing),
    uncovered: given(flags.uncovered, (text) => parseOneOf('--uncovered', text, ['error', 'drop', 'parent'])),
    budget: given(flags.budget, (text) => parsePositive('--budget', text)),
    maxEpochs: given(flags.maxEpochs, (text) => parsePositive('--max-epochs', text)),
  };
  for (const [name, value] of Object.entries({ '--texts': texts, '--target-texts': targetTexts })) {
    if (value !== undefined && report === undefined) {
      throw mismatch('GRADSIFT_ARGUMENT', name, '--report beside it', value);
    }
  }
  const targets = flags.target.map((text) => parsePath('--target', text));
  const taskWeights = given(flags.taskWeights, (text) =>
    parseList('--task-weights', text).map((part) => parsePositive('--task-weights', part)),
  );
  if (taskWeights !== undefined && taskWeights.length !== targets.length) {
    throw mismatch(
      'GRADSIFT_ARGUMENT',
      '--task-weights',
      `${targets.length}, one for each --target`,
      taskWeights.length,
    );
  }
  return {
    generic: parsePath('--generic', flags.generic),
    ...{ targets, taskWeights, crisp },
    levels: given(flags.levels, (text) => parseInteger('--levels', text, 1)),
    branching: given(flags.branching, (text) => parseSizes('--branching', text)),
    texts: given(texts, (text) => parseList('--texts', text)),
    targetTexts: given(targetTexts, (text) => parseList('--target-texts', text)),
    field: flags.field,
    unit: parseOneOf('--unit', flags.unit ?? 'document', ['document', 'sequence']),
    out: given(flags.out, (text) => parsePath('--out', text)),
    report: given(report, (text) => parsePath('--report', text)),
    quiet: flags.quiet ?? false,
  };
}
export type ClusterWeightsRequest = ReturnType<typeof parseClusterWeightsFlags>;
