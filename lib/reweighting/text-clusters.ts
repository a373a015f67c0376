// A cluster tree with the text embedding that it was fitted on: other texts find their clusters in the same space.
import { GradsiftError, mismatch, requireInteger } from '../errors.js';
import { openGradients } from '../gradients/open-gradients.js';
import { readSafetensors } from '../gradients/read-safetensors.js';
import { writeSafetensors } from '../gradients/write-safetensors.js';
import { clusterTreeOf, clusterTreeTensors } from './cluster-tree-file.js';
import { assignClusters, type AssignClustersOptions, type ClusterTree } from './cluster-tree.js';
import { batches, type Texts } from './embed-texts.js';
import { lsaOf, lsaTensors } from './lsa-file.js';
import { lsaEncoder, type LsaModel } from './lsa.js';

/** A tree and the embedding of its texts. */
export interface TextClusters {
  readonly tree: ClusterTree;
  /** Absent where the tree was fitted on embeddings from elsewhere. */
  readonly embedding?: LsaModel | undefined;
}

/** Writes both to one file, as a whole; loadClusterTree and loadLsa read it too. @throws GradsiftError GRADSIFT_IO */
export async function saveTextClusters(
  path: string,
  { tree, embedding }: TextClusters,
  signal?: AbortSignal,
): Promise<void> {
  const own = clusterTreeTensors(tree);
  const other = embedding === undefined ? { tensors: {}, metadata: {} } : lsaTensors(embedding);
  const tensors = { ...own.tensors, ...other.tensors };
  await writeSafetensors(path, tensors, { ...own.metadata, ...other.metadata }, signal);
}

/**
 * Reads a tree, and its embedding where the file has one.
 * @throws GradsiftError GRADSIFT_FORMAT, GRADSIFT_NON_FINITE, GRADSIFT_IO
 */
export async function loadTextClusters(path: string, signal?: AbortSignal): Promise<TextClusters> {
  const file = await readSafetensors(path, signal);
  const tree = clusterTreeOf(path, file);
  const embedding = lsaOf(path, file);
  if (embedding === undefined) return { tree };
  if (embedding.dimensions === tree.dimensions) return { tree, embedding };
  const what = `a tree of ${tree.dimensions} dimensions with an embedding of ${embedding.dimensions}`;
  throw new GradsiftError('GRADSIFT_FORMAT', `${path}: ${what}`);
}

/** Options of {@link assignTexts}. */
export interface AssignTextsOptions extends Omit<AssignClustersOptions, 'onProgress'> {
  /** Texts in memory at once; default 4096. No label depends on it. */
  readonly batch?: number | undefined;
  /** For messages: where a text is from; default its number. */
  readonly where?: ((place: number) => string) | undefined;
  readonly onProgress?: ((progress: { readonly done: number }) => void) | undefined;
}

/**
 * The cluster of each text, by its embedding and greedy descent.
 * @throws GradsiftError GRADSIFT_ARGUMENT where there is no embedding, or for a text without any word that it knows
 */
export async function assignTexts(
  { tree, embedding }: TextClusters,
  texts: Texts,
  options: AssignTextsOptions = {},
): Promise<Uint32Array> {
  const { batch = 4096, where, onProgress, ...rest } = options;
  if (embedding === undefined) throw mismatch('GRADSIFT_ARGUMENT', 'embedding', 'that of the tree', embedding);
  requireInteger('batch', batch, 1);
  const encoder = lsaEncoder(embedding, options);
  const parts: Uint32Array[] = [];
  let done = 0;
  for await (const some of batches(texts, batch)) {
    rest.signal?.throwIfAborted();
    const rows = await encoder(some);
    const first = done;
    requireWords(rows, some.length, (i) => where?.(first + i) ?? `text ${first + i}`);
    const store = await openGradients({ layers: { texts: { rows, shape: [some.length, tree.dimensions] } } });
    parts.push(await assignClusters(tree, store, rest));
    done += some.length;
    onProgress?.({ done });
  }
  const labels = new Uint32Array(done);
  let at = 0;
  for (const part of parts) {
    labels.set(part, at);
    at += part.length;
  }
  return labels;
}

/** Embeddings of texts without words are zeros, which no cluster is near. @throws GRADSIFT_ARGUMENT naming the first */
export function requireWords(rows: Float32Array, count: number, where: (i: number) => string): void {
  const dimensions = rows.length / count;
  for (let i = 0; i < count; ++i) {
    if (rows.subarray(i * dimensions, (i + 1) * dimensions).some((value) => value !== 0)) continue;
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `${where(i)}: no word that the embedding has seen: no cluster is near`,
    );
  }
}
