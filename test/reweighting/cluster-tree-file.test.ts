import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { readSafetensors } from '../../lib/gradients/read-safetensors.js';
import { writeSafetensors, type Tensor } from '../../lib/gradients/write-safetensors.js';
import { loadClusterTree, saveClusterTree } from '../../lib/reweighting/cluster-tree-file.js';
import { assignClusters, fitClusters } from '../../lib/reweighting/cluster-tree.js';
import { rejection } from '../gradients/rejection.js';
import { gaussians } from './numbers.js';

const D = 5;
const embeddings = () =>
  openGradients({ layers: { x: { rows: Float32Array.from(gaussians(1, 200 * D)), shape: [200, D] } } });

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'gradsift-clusters-'))));
afterAll(() => rm(folder, { recursive: true }));

test('a tree comes back from its file, and assigns alike', async () => {
  const path = join(folder, 'tree.safetensors');
  const tree = await fitClusters(await embeddings(), { branching: [4, 3], seed: 2 });
  await saveClusterTree(path, tree);
  const loaded = await loadClusterTree(path);
  expect(loaded).toEqual(tree);
  expect(await assignClusters(loaded, await embeddings())).toEqual(await assignClusters(tree, await embeddings()));
});

test('files that are none, or damaged', async () => {
  const path = join(folder, 'damaged.safetensors');
  const tree = await fitClusters(await embeddings(), { branching: 4, seed: 2 });
  await saveClusterTree(path, tree);
  const { tensors, metadata } = await readSafetensors(path);
  const whole = Object.fromEntries(tensors);
  const code = async (changed: Record<string, Tensor>, words = Object.fromEntries(metadata)) => {
    await writeSafetensors(path, changed, words);
    return (await rejection(loadClusterTree(path))).code;
  };
  const words = Object.fromEntries(metadata);
  expect(await code(whole, { ...words, schema: 'gradsift/curvature/1' })).toBe('GRADSIFT_FORMAT');
  for (const text of ['', '{', '[]', '{"dimensions":5,"branching":[],"normalise":true}']) {
    expect(await code(whole, { ...words, tree: text })).toBe('GRADSIFT_FORMAT');
  }
  const children = (n: number): Tensor => ({ dtype: 'F64', shape: [1], data: Float64Array.of(n) });
  expect(await code({ ...whole, 'children.0': children(5) })).toBe('GRADSIFT_FORMAT');
  expect(await code({ ...whole, 'children.0': children(0.5) })).toBe('GRADSIFT_FORMAT');
  expect(await code({ 'children.0': children(4) })).toBe('GRADSIFT_FORMAT');
  const rows = { dtype: 'F32', shape: [1, 4, D], data: new Float32Array(4 * D).fill(NaN) } as const;
  expect(await code({ ...whole, 'centroids.0': rows })).toBe('GRADSIFT_NON_FINITE');
  expect((await rejection(loadClusterTree(join(folder, 'none')))).code).toBe('GRADSIFT_IO');
});
