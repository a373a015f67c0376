// A cluster tree as a safetensors file: centroids of each level as F32, numbers of children as F64 (exact below 2^53).
import { GradsiftError, show } from '../errors.js';
import { readSafetensors, type SafetensorsFile } from '../gradients/read-safetensors.js';
import { writeSafetensors, type Tensor } from '../gradients/write-safetensors.js';
import type { ClusterLevel, ClusterTree } from './cluster-tree.js';

const SCHEMA = 'gradsift/cluster-tree/1';

/** Writes a tree, replacing the file as a whole. @throws GradsiftError GRADSIFT_IO */
export async function saveClusterTree(path: string, tree: ClusterTree, signal?: AbortSignal): Promise<void> {
  const { tensors, metadata } = clusterTreeTensors(tree);
  await writeSafetensors(path, tensors, metadata, signal);
}

/**
 * Reads what {@link saveClusterTree} wrote.
 * @throws GradsiftError GRADSIFT_FORMAT for another file, GRADSIFT_NON_FINITE for a damaged one, GRADSIFT_IO
 */
export async function loadClusterTree(path: string, signal?: AbortSignal): Promise<ClusterTree> {
  return clusterTreeOf(path, await readSafetensors(path, signal));
}

/** A tree as tensors, and metadata, that may lie beside others in one file. */
export function clusterTreeTensors({ dimensions, branching, normalise, levels }: ClusterTree) {
  const tensors = levels.flatMap(({ centroids, children }, level): [string, Tensor][] => {
    const nodes = children.length;
    const shape = [nodes, branching[level] as number, dimensions];
    return [
      [`centroids.${level}`, { dtype: 'F32', shape, data: centroids }],
      [`children.${level}`, { dtype: 'F64', shape: [nodes], data: Float64Array.from(children) }],
    ];
  });
  const metadata = { schema: SCHEMA, tree: JSON.stringify({ dimensions, branching, normalise }) };
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** The tree among the tensors of a file. @throws as loadClusterTree */
export function clusterTreeOf(path: string, { metadata, tensors }: SafetensorsFile): ClusterTree {
  const bad = (what: string) => new GradsiftError('GRADSIFT_FORMAT', `${path}: ${what}`);
  if (metadata.get('schema') !== SCHEMA) {
    throw bad(`expected a file with the schema ${SCHEMA}, got ${show(metadata.get('schema'))}`);
  }
  const record = parseRecord(metadata.get('tree'));
  if (record === null) throw bad("the metadata 'tree' is damaged");
  let nodes = 1;
  const levels = record.branching.map((clusters, level): ClusterLevel => {
    const centroids = tensors.get(`centroids.${level}`);
    const children = tensors.get(`children.${level}`);
    const shape = [nodes, clusters, record.dimensions].join();
    const matches = centroids?.dtype === 'F32' && centroids.shape.join() === shape;
    const counts = children?.dtype === 'F64' && children.data.length === nodes ? Array.from(children.data) : [];
    const valid = counts.length === nodes && counts.every((n) => Number.isInteger(n) && n >= 0 && n <= clusters);
    if (!(matches && valid)) throw bad(`level ${level}: expected centroids [${shape}], and children of ${nodes} nodes`);
    if (!centroids.data.every(Number.isFinite)) {
      throw new GradsiftError('GRADSIFT_NON_FINITE', `${path}: NaN or infinity among the centroids of level ${level}`);
    }
    nodes *= clusters;
    return { centroids: centroids.data as Float32Array, children: Uint32Array.from(counts) };
  });
  return { ...record, levels };
}

function parseRecord(text: string | undefined): Omit<ClusterTree, 'levels'> | null {
  let parsed: Partial<ClusterTree> | null;
  try {
    parsed = JSON.parse(text ?? 'null') as Partial<ClusterTree> | null;
  } catch {
    return null;
  }
  const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
  const { dimensions, branching, normalise } = parsed ?? {};
  const good =
    isSize(dimensions) &&
    Array.isArray(branching) &&
    branching.length > 0 &&
    branching.every(isSize) &&
    typeof normalise === 'boolean';
  return good ? ({ dimensions, branching, normalise } as Omit<ClusterTree, 'levels'>) : null;
}
