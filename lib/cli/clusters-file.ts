// The cluster of each document, as files: what `gradsift cluster assign` writes and `gradsift cluster weights` reads.
import { readFile } from 'node:fs/promises';
import { GradsiftError, mismatch, show } from '../errors.js';
import { ioError } from '../gradients/input-file.js';
import { isRecord, parseJson } from '../gradients/json.js';
import { openGradients } from '../gradients/open-gradients.js';
import type { InputRecord } from '../gradients/store.js';
import { writeNpy } from '../gradients/write-npy.js';
import { VERSION } from '../version.js';
import type { ClusterFormat } from './cluster-flags.js';
import { writeLines } from './write-lines.js';

const SCHEMA = 'gradsift/clusters/1';
const CSV_HEADER = 'document,cluster';
/** Numbers in one line of the list. */
const CHUNK = 4096;

/** Documents and their clusters. */
export interface ClusterList {
  /** Of each document. */
  readonly clusters: Uint32Array;
  /** Children at each level down to these clusters; undefined where the file does not say. */
  readonly branching?: readonly number[] | undefined;
  /** What was clustered, and by which tree. */
  readonly inputs?: readonly InputRecord[] | undefined;
}

/** Writes a list: .json says what it is of, .csv has a line a document, .npy is float64 [documents, 1]. */
export async function writeClusters(
  path: string | undefined,
  format: ClusterFormat,
  list: ClusterList,
  signal: AbortSignal,
): Promise<void> {
  const { clusters } = list;
  if (format === 'npy') await writeNpy(path as string, Float64Array.from(clusters), [clusters.length, 1], signal);
  else await writeLines(path, format === 'csv' ? csvLines(clusters) : jsonLines(list), signal);
}

function* csvLines(clusters: Uint32Array): Generator<string> {
  yield `${CSV_HEADER}\n`;
  for (const [document, cluster] of clusters.entries()) yield `${document},${cluster}\n`;
}

function* jsonLines({ clusters, branching, inputs }: ClusterList): Generator<string> {
  const record = { schema: SCHEMA, version: VERSION, documents: clusters.length, branching, inputs };
  yield `${JSON.stringify(record).slice(0, -1)},\n"clusters":[`;
  for (let first = 0; first < clusters.length; first += CHUNK) {
    yield `${first === 0 ? '\n' : ',\n'}${clusters.subarray(first, first + CHUNK).join(',')}`;
  }
  yield ']}\n';
}

/**
 * Reads a list, by the ending of its name.
 * @throws GRADSIFT_IO; GRADSIFT_FORMAT naming the file and the document
 */
export async function readClusters(path: string, signal: AbortSignal): Promise<ClusterList> {
  if (/\.npy$/i.test(path)) return { clusters: await npyClusters(path, signal) };
  let text: string;
  try {
    text = await readFile(path, { encoding: 'utf8', signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw ioError(path, 'cannot be read', error);
  }
  return /\.csv$/i.test(path) ? { clusters: csvClusters(path, text) } : jsonClusters(path, text);
}

function requireClusters(path: string, numbers: readonly unknown[]): Uint32Array {
  const odd = numbers.findIndex((cluster) => !(Number.isInteger(cluster) && (cluster as number) >= 0));
  if (odd >= 0 || numbers.some((cluster) => (cluster as number) >= 2 ** 32)) {
    const at = odd >= 0 ? odd : numbers.findIndex((cluster) => (cluster as number) >= 2 ** 32);
    throw mismatch('GRADSIFT_FORMAT', `${path}, document ${at}`, 'a cluster, an integer in [0, 2^32)', numbers[at]);
  }
  if (numbers.length === 0) throw new GradsiftError('GRADSIFT_FORMAT', `${path}: expected at least one document`);
  return Uint32Array.from(numbers as number[]);
}

function jsonClusters(path: string, text: string): ClusterList {
  let value: unknown;
  try {
    value = parseJson(text, 8);
  } catch (cause) {
    throw new GradsiftError('GRADSIFT_FORMAT', `${path}: not JSON`, { cause });
  }
  if (!(isRecord(value) && value.schema === SCHEMA)) {
    const got = isRecord(value) ? show(value.schema) : show(value);
    throw new GradsiftError('GRADSIFT_FORMAT', `${path}: expected the schema ${SCHEMA}, got ${got}`);
  }
  const { clusters, branching } = value;
  if (!Array.isArray(clusters)) throw mismatch('GRADSIFT_FORMAT', `${path}: clusters`, 'a list', clusters);
  const sizes = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length > 0 && list.every((size) => Number.isSafeInteger(size) && (size as number) > 0);
  if (branching !== undefined && !sizes(branching)) {
    throw mismatch('GRADSIFT_FORMAT', `${path}: branching`, 'a list of sizes', branching);
  }
  return { clusters: requireClusters(path, clusters), branching };
}

function csvClusters(path: string, text: string): Uint32Array {
  const [header, ...lines] = text.trimEnd().split(/\r?\n/);
  if (header !== CSV_HEADER) throw mismatch('GRADSIFT_FORMAT', `${path}, line 1`, CSV_HEADER, header);
  const numbers = lines.map((line, document) => {
    const match = /^(\d+),(\d+)$/.exec(line);
    if (match !== null && Number(match[1]) === document) return Number(match[2]);
    throw mismatch('GRADSIFT_FORMAT', `${path}, line ${document + 2}`, `${document} and its cluster`, line);
  });
  return requireClusters(path, numbers);
}

async function npyClusters(path: string, signal: AbortSignal): Promise<Uint32Array> {
  const store = await openGradients(path, { hash: false });
  try {
    const [layer] = store.layers;
    if (!(layer?.r === 1 && layer.d === 1)) {
      throw new GradsiftError('GRADSIFT_FORMAT', `${path}: expected one number a document`);
    }
    const numbers: number[] = [];
    for await (const { samples, rows } of store.blocks(layer, { blockSamples: 2 ** 16, signal })) {
      for (let i = 0; i < samples; ++i) numbers.push(rows[i] as number);
    }
    return requireClusters(path, numbers);
  } finally {
    await store.close();
  }
}
