import { openGradients } from '../../lib/gradients/open-gradients.js';
import { random, seeded } from '../../lib/random.js';
import {
  assignClusters,
  fitClusters,
  type ClusterProgress,
  type FitClustersOptions,
} from '../../lib/reweighting/cluster-tree.js';
import { clusterCounts, rollUp } from '../../lib/reweighting/crisp.js';
import { rebalance } from '../../lib/reweighting/k-means.js';
import { rejection } from '../gradients/rejection.js';
import { gaussians } from './numbers.js';

const D = 8;
const store = (rows: Float32Array | Float64Array, d = D) =>
  openGradients({ layers: { embeddings: { rows, shape: [rows.length / d, d] } } });

/** Points around centres, centre after centre; the noise is `spread` in each direction. */
function planted(centres: readonly (readonly number[])[], each: number, spread: number, seed = 1): Float32Array {
  const cursor = random(seeded(seed));
  const rows = centres.flatMap((c) => Array.from({ length: each }, () => c.map((x) => x + spread * cursor.normal())));
  return Float32Array.from(rows.flat());
}

/** Centres of length 10 in far directions. */
const CENTRES = Array.from({ length: 6 }, (_, i) => Array.from({ length: D }, (_, j) => (j === i ? 10 : 0)));
const EACH = 50;
const X = planted(CENTRES, EACH, 0.1);

/** Whether labels name the same groups as `each` rows of one group after the other. */
function purity(labels: Uint32Array, each: number): number {
  let same = 0;
  for (let first = 0; first < labels.length; first += each) {
    const counts = Object.values(clusterCounts(labels.subarray(first, first + each)));
    same += Math.max(...counts);
  }
  return same / labels.length;
}
const different = (labels: Uint32Array) => new Set(labels).size;

const treeOf = async (x: Float32Array, options: Partial<FitClustersOptions> = {}) =>
  fitClusters(await store(x), { branching: 6, seed: 3, ...options });
const labelsOf = async (x: Float32Array, options: Partial<FitClustersOptions> = {}) =>
  assignClusters(await treeOf(x, options), await store(x));

describe('planted clusters are recovered', () => {
  test.each<Partial<FitClustersOptions>>([
    {},
    { spherical: true },
    { normalise: false },
    { balance: null },
    { batch: 100 },
    { samples: 200 },
    { batch: 60, samples: 150, iterations: 40 },
  ])('%j', async (options) => {
    const labels = await labelsOf(X, options);
    expect(purity(labels, EACH)).toBe(1);
    expect(different(labels)).toBe(6);
  });

  test('a nested tree: far groups, near clusters in them; descent finds both', async () => {
    const nested = CENTRES.slice(0, 3).flatMap((c) =>
      [0, 1].map((side) => c.map((x, j) => x + (j === 7 ? 4 * side : 0))),
    );
    const x = planted(nested, EACH, 0.1);
    const tree = await treeOf(x, { branching: [3, 2] });
    const leaves = await assignClusters(tree, await store(x));
    expect(purity(leaves, EACH)).toBe(1);
    expect(different(leaves)).toBe(6);
    const groups = await assignClusters(tree, await store(x), { levels: 1 });
    expect(purity(groups, 2 * EACH)).toBe(1);
    // The level above is the quotient, leaf by leaf and in counts.
    expect(groups).toEqual(leaves.map((leaf) => Math.floor(leaf / 2)));
    expect(rollUp(clusterCounts(leaves), 2)).toEqual(clusterCounts(groups));
  });
});

describe('the same tree', () => {
  test('for a seed, on any number of threads; a value that survives structuredClone', async () => {
    const noise = Float32Array.from(gaussians(5, 500 * D));
    const [one, three] = [
      await treeOf(noise, { branching: [4, 3], threads: 1 }),
      await treeOf(noise, { branching: [4, 3], threads: 3 }),
    ];
    expect(three).toEqual(one);
    const labels = await assignClusters(one, await store(noise), { threads: 1 });
    expect(await assignClusters(structuredClone(three), await store(noise), { threads: 7 })).toEqual(labels);
    expect(await treeOf(noise, { branching: [4, 3], seed: 4 })).not.toEqual(one);
  });

  test('for embeddings of any length, and turned to other axes', async () => {
    const scaled = X.map((value, i) => value * (1 + (Math.floor(i / D) % 5)));
    const labels = await labelsOf(X);
    expect(await labelsOf(scaled)).toEqual(labels);
    const turned = Float32Array.from(X, (_, i) => X[i - (i % D) + ((i + 3) % D)] as number);
    expect(await labelsOf(turned)).toEqual(labels);
  });
});

test('the mean squared distance never grows in full steps without balancing', async () => {
  const noise = Float32Array.from(gaussians(6, 400 * D));
  const seen: ClusterProgress[] = [];
  await treeOf(noise, { branching: 9, balance: null, normalise: false, onProgress: (p) => void seen.push(p) });
  expect(seen.length).toBeGreaterThan(3);
  // Distances are taken in float32 products of eight numbers below 5.
  const rounding = 8 * 25 * 2 ** -23;
  seen.slice(1).forEach((p, i) => expect(p.meanSquare).toBeLessThanOrEqual(seen[i]!.meanSquare + rounding));
});

describe('balancing', () => {
  test('two clusters: none is over its share afterwards, and every row has a label', () => {
    const labels = Uint32Array.from({ length: 100 }, (_, i) => (i < 90 ? 0 : 1));
    expect(rebalance(labels, 2, 1.5, random(seeded(1)))).toBe(true);
    expect(clusterCounts(labels)).toEqual({ 0: 45, 1: 55 });
    expect(rebalance(labels, 2, 1.5, random(seeded(1)))).toBe(false);
  });

  test('several: halves until no cluster is over', () => {
    const labels = new Uint32Array(800);
    expect(rebalance(labels, 8, 1.5, random(seeded(2)))).toBe(true);
    expect(Object.values(clusterCounts(labels))).toEqual([100, 100, 100, 100, 100, 100, 100, 100]);
  });

  test('a cloud beside a crowd: the crowd is shared out', async () => {
    const crowd = planted([CENTRES[0]!], 900, 0.5, 7);
    const cloud = planted(CENTRES.slice(1), 20, 0.5, 8);
    const x = Float32Array.of(...crowd, ...cloud);
    const share = async (balance: number | null) => {
      const counts = Object.values(clusterCounts(await labelsOf(x, { balance, branching: 4 })));
      return Math.max(...counts) / 1000;
    };
    expect(await share(1.5)).toBeLessThan(await share(null));
  });
});

test('fewer different embeddings than clusters: as many children as there are', async () => {
  const two = planted(CENTRES.slice(0, 2), 10, 0);
  const tree = await treeOf(two, { branching: [6, 3] });
  expect(tree.levels[0]!.children).toEqual(Uint32Array.of(2));
  expect([...tree.levels[1]!.children]).toEqual([1, 1, 0, 0, 0, 0]);
  expect(different(await assignClusters(tree, await store(two)))).toBe(2);
});

describe('mistakes', () => {
  const code = async (options: object, x: Float32Array = X) =>
    (await rejection(fitClusters(await store(x), { branching: 6, seed: 1, ...options }))).code;

  test('options', async () => {
    for (const options of [
      { branching: [] },
      { branching: 0 },
      { branching: [2 ** 17, 2 ** 17] },
      { seed: -1 },
      { iterations: -1 },
      { samples: 0 },
      { samples: 301 },
      { batch: 0 },
      { balance: 1 },
      { normalise: 'yes' },
      { spherical: 1 },
    ]) {
      expect(await code(options)).toBe('GRADSIFT_ARGUMENT');
    }
  });

  test('embeddings of zeros, NaN, and another length', async () => {
    const zeros = X.slice().fill(0, 3 * D, 4 * D);
    expect(await code({}, zeros)).toBe('GRADSIFT_ARGUMENT');
    expect((await treeOf(zeros, { normalise: false })).dimensions).toBe(D); // a point like any other
    expect(await code({}, X.slice().fill(NaN, 5, 6))).toBe('GRADSIFT_NON_FINITE');
    const tree = await treeOf(X);
    expect((await rejection(assignClusters(tree, await store(X, 4)))).code).toBe('GRADSIFT_SHAPE');
    expect((await rejection(assignClusters(tree, await store(zeros)))).code).toBe('GRADSIFT_ARGUMENT');
    expect((await rejection(assignClusters(tree, await store(X), { levels: 2 }))).code).toBe('GRADSIFT_ARGUMENT');
    const deep = await openGradients({ layers: { a: { rows: X, shape: [EACH * 6, 2, 4] } } });
    expect((await rejection(fitClusters(deep, { branching: 2, seed: 1 }))).code).toBe('GRADSIFT_SHAPE');
  });

  test('an abort rejects with its reason', async () => {
    const reason = new Error('enough');
    await expect(treeOf(X, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
