import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { loadClusterTree, saveClusterTree } from '../../lib/reweighting/cluster-tree-file.js';
import { assignClusters, fitClusters, type ClusterTree } from '../../lib/reweighting/cluster-tree.js';
import { loadLsa } from '../../lib/reweighting/lsa-file.js';
import { fitLsa, lsaEmbeddings, type LsaModel } from '../../lib/reweighting/lsa.js';
import { assignTexts, loadTextClusters, saveTextClusters } from '../../lib/reweighting/text-clusters.js';
import { rejection } from '../gradients/rejection.js';
import { temporaryFolder } from '../gradients/temporary-folder.js';

const FOLDER = temporaryFolder();
const DIMENSIONS = 4;
const TEXTS = ['red green', 'green red blue', 'red red', 'one two', 'two three', 'three one', 'blue', 'two'];
const options = { seed: 3, dimensions: DIMENSIONS, features: 512 };

let embedding: LsaModel;
let tree: ClusterTree;
const storeOf = async (texts: string[]) =>
  openGradients({ layers: { x: { rows: await lsaEmbeddings(embedding, texts), shape: [texts.length, DIMENSIONS] } } });
beforeAll(async () => {
  embedding = await fitLsa(TEXTS, options);
  tree = await fitClusters(await storeOf(TEXTS), { branching: [2, 2], seed: 1 });
});

test('texts find the clusters of their embeddings, whatever the batch', async () => {
  for (const levels of [1, 2]) {
    const expected = await assignClusters(tree, await storeOf(TEXTS), { levels });
    for (const batch of [1, 3, 100]) {
      expect(await assignTexts({ tree, embedding }, TEXTS, { batch, levels })).toEqual(expected);
    }
  }
  const done: number[] = [];
  await assignTexts({ tree, embedding }, TEXTS, { batch: 5, onProgress: (progress) => done.push(progress.done) });
  expect(done).toEqual([5, 8]);
  expect(await assignTexts({ tree, embedding }, [])).toEqual(new Uint32Array(0));
});

test('one file has both, and is read as either', async () => {
  const path = join(FOLDER, 'both.safetensors');
  await saveTextClusters(path, { tree, embedding });
  expect(await loadTextClusters(path)).toEqual({ tree, embedding });
  expect(await loadClusterTree(path)).toEqual(tree);
  expect(await loadLsa(path)).toEqual(embedding);
  await saveClusterTree(path, tree);
  expect(await loadTextClusters(path)).toEqual({ tree });
  expect((await rejection(loadLsa(path))).code).toBe('GRADSIFT_FORMAT');
});

test('bad input', async () => {
  const unheard = await rejection(assignTexts({ tree, embedding }, [...TEXTS, 'unheard'], { batch: 2 }));
  expect(unheard).toMatchObject({ code: 'GRADSIFT_ARGUMENT' });
  expect(unheard.message).toContain('text 8');
  const where = (place: number) => `line ${place + 1}`;
  expect((await rejection(assignTexts({ tree, embedding }, ['red', ''], { where }))).message).toContain('line 2');
  expect((await rejection(assignTexts({ tree }, TEXTS))).code).toBe('GRADSIFT_ARGUMENT');
  expect((await rejection(assignTexts({ tree, embedding }, TEXTS, { batch: 0 }))).code).toBe('GRADSIFT_ARGUMENT');
  expect((await rejection(assignTexts({ tree, embedding }, TEXTS, { levels: 3 }))).code).toBe('GRADSIFT_ARGUMENT');
  const signal = AbortSignal.abort(new Error('no'));
  expect((await rejection(assignTexts({ tree, embedding }, TEXTS, { signal }))).message).toBe('no');
  const path = join(FOLDER, 'other.safetensors');
  await saveTextClusters(path, { tree, embedding: await fitLsa(TEXTS, { ...options, dimensions: 5 }) });
  expect((await rejection(loadTextClusters(path))).code).toBe('GRADSIFT_FORMAT');
});
