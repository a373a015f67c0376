import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  parseClusterAssignFlags,
  parseClusterFitFlags,
  parseClusterWeightsFlags,
  type ClusterFitFlags,
} from '../../lib/cli/cluster-flags.js';
import { planClusterFit } from '../../lib/cli/cluster-plan.js';
import { readClusters, writeClusters } from '../../lib/cli/clusters-file.js';
import { rejection } from '../gradients/rejection.js';
import { temporaryFolder } from '../gradients/temporary-folder.js';

const FOLDER = temporaryFolder();
const { signal } = new AbortController();

const fitWith = (flags: Partial<ClusterFitFlags>) =>
  parseClusterFitFlags(
    { embeddings: 'x.npy', branching: '4', out: 'tree.safetensors', normalise: true, ...flags },
    true,
  );
const texts = { embeddings: undefined as never, texts: 'a.txt' };
const weights = (flags: Record<string, string>) =>
  parseClusterWeightsFlags({ generic: 'g.json', target: ['t.json'], ...flags });
const assign = (flags: Record<string, string>) => parseClusterAssignFlags({ tree: 'tree.safetensors', ...flags });

test('what is not said is left to the library', () => {
  const { tree, embedding, format, documents } = fitWith({});
  expect({ ...tree }).toEqual({ branching: [4], seed: 0, normalise: true });
  expect({ ...embedding }).toEqual({ seed: 0 });
  expect(format).toBe('table');
  expect(documents).toEqual({ embeddings: 'x.npy' });
  expect(assign({ texts: 'a.txt,b.jsonl' })).toMatchObject({
    documents: { texts: ['a.txt', 'b.jsonl'] },
    format: 'json',
  });
  expect(weights({})).toMatchObject({ targets: ['t.json'], crisp: {} });
});

test('what is said', () => {
  const all = { ...texts, branching: '8, 4', seed: '7', balance: 'none', words: 'none', characters: '2,4' };
  const { tree, embedding } = fitWith({ ...all, spherical: true, normalise: false });
  expect(tree).toMatchObject({ branching: [8, 4], seed: 7, balance: null, spherical: true, normalise: false });
  expect(embedding).toMatchObject({ seed: 7, words: null, characters: [2, 4] });
  expect(assign({ embeddings: 'x.npy', out: 'c.CSV' }).format).toBe('csv');
  const { crisp } = weights({ smoothing: 'additive:0.5', uncovered: 'parent', budget: '1e6', maxEpochs: '4' });
  expect(crisp).toEqual({
    smoothing: { kind: 'additive', lambda: 0.5 },
    ...{ uncovered: 'parent', budget: 1e6, maxEpochs: 4 },
  });
  expect(weights({ smoothing: 'none' }).crisp.smoothing).toBeUndefined();
});

test.each<[string, () => unknown]>([
  ['--embeddings, --texts', () => fitWith({ embeddings: undefined as never })],
  ['--embeddings, --texts', () => fitWith({ texts: 'a.txt' })],
  ['--field', () => fitWith({ field: 'body' })],
  ['--branching', () => fitWith({ branching: '4,' })],
  ['--branching', () => fitWith({ branching: '0' })],
  ['--balance', () => fitWith({ balance: 'NaN' })],
  ['--words', () => fitWith({ words: '1,2' })],
  ['--save-embeddings', () => fitWith({ saveEmbeddings: 'x.npy' })],
  ['--words', () => fitWith({ ...texts, words: '2,1' })],
  ['--characters', () => fitWith({ ...texts, characters: '3' })],
  ['--out', () => fitWith({ out: '' })],
  ['--format', () => fitWith({ format: 'csv' })],
  ['--threads', () => assign({ embeddings: 'x.npy', threads: '0' })],
  ['--format', () => assign({ embeddings: 'x.npy', format: 'npy' })],
  ['--levels', () => assign({ embeddings: 'x.npy', levels: '0' })],
  ['--smoothing', () => weights({ smoothing: 'generic' })],
  ['--smoothing', () => weights({ smoothing: 'other:1' })],
  ['--smoothing', () => weights({ smoothing: 'generic:NaN' })],
  ['--uncovered', () => weights({ uncovered: 'ignore' })],
  ['--task-weights', () => weights({ taskWeights: '1,2' })],
  ['--texts', () => weights({ texts: 'a.txt' })],
  ['--budget', () => weights({ budget: '-1' })],
  ['--unit', () => weights({ unit: 'token' })],
])('bad options: %s', (name, parse) => {
  let caught: unknown;
  try {
    parse();
  } catch (error) {
    caught = error;
  }
  expect(caught).toMatchObject({ code: 'GRADSIFT_ARGUMENT' });
  expect((caught as Error).message.startsWith(name)).toBe(true);
});

describe('lists of clusters', () => {
  const clusters = Uint32Array.of(3, 0, 2 ** 32 - 1, 3);
  test.each(['json', 'csv', 'npy'] as const)('%s reads back', async (format) => {
    const path = join(FOLDER, `list.${format}`);
    const list = { clusters, branching: [2 ** 16, 2 ** 16] };
    await writeClusters(path, format, list, signal);
    const read = await readClusters(path, signal);
    expect(read.clusters).toEqual(clusters);
    expect(read.branching).toEqual(format === 'json' ? list.branching : undefined);
  });

  const json = (record: object) => JSON.stringify({ schema: 'gradsift/clusters/1', ...record });
  test.each<[string, string, string]>([
    ['not JSON', 'json', '{'],
    ['another schema', 'json', '{"schema":"gradsift/mixture/1"}'],
    ['no list', 'json', json({ clusters: 3 })],
    ['no documents', 'json', json({ clusters: [] })],
    ['NaN', 'json', json({ clusters: [null] })],
    ['a fraction', 'json', json({ clusters: [0.5] })],
    ['too large', 'json', json({ clusters: [2 ** 32] })],
    ['a branching of nothing', 'json', json({ clusters: [0], branching: [] })],
    ['no header', 'csv', '0,1\n'],
    ['documents out of order', 'csv', 'document,cluster\n1,0\n'],
    ['a negative cluster', 'csv', 'document,cluster\n0,-1\n'],
    ['only a header', 'csv', 'document,cluster\n'],
    ['no array', 'npy', 'x'],
  ])('bad input: %s', async (_, format, content) => {
    const path = join(await mkdtemp(join(FOLDER, 'bad-')), `list.${format}`);
    await writeFile(path, content);
    expect((await rejection(readClusters(path, signal))).code).toBe('GRADSIFT_FORMAT');
    expect((await rejection(readClusters(`${path}.none`, signal))).code).toBe('GRADSIFT_IO');
  });
});

test('the plan adds up: products of each level, the rows of k-means++, the descent', () => {
  const sizes = { documents: 1000, bytes: 64_000, dimensions: 16, branching: [4, 2], iterations: 10 };
  const plan = planClusterFit({ ...sizes, samples: 500, batch: null, embedding: undefined });
  expect(plan.levels).toEqual([
    { nodes: 1, clusters: 4, flops: 2 * 16 * 4 * (128 + 10 * 500 + 500) },
    { nodes: 4, clusters: 2, flops: 2 * 16 * 2 * (256 + 10 * 500) },
  ]);
  expect(plan).toMatchObject({ passes: 1, bytesRead: 64_000, embeddingFlops: 0 });
  expect(plan.flops).toBe(plan.levels.reduce((sum, { flops }) => sum + flops, 0));
});
