import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors } from '../../lib/gradients/read-safetensors.js';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { random, seeded } from '../../lib/random.js';
import { assignClusters, fitClusters } from '../../lib/reweighting/cluster-tree.js';
import { clusterCounts } from '../../lib/reweighting/crisp.js';
import { loadLsa, saveLsa } from '../../lib/reweighting/lsa-file.js';
import { fitLsa, lsaEmbeddings, type LsaOptions, type LsaProgress } from '../../lib/reweighting/lsa.js';
import { rejection } from '../gradients/rejection.js';
import { temporaryFolder } from '../gradients/temporary-folder.js';

const FOLDER = temporaryFolder();
const SMALL = { seed: 5, dimensions: 8, features: 2 ** 12, words: [1, 1] } as const;
const EPS32 = 2 ** -24;

/** Texts of 30 words of one topic and of 10 that all share, topic after topic. */
function topics(count: number, each: number, seed = 1): string[] {
  const cursor = random(seeded(seed));
  return Array.from({ length: count * each }, (_, i) => {
    const topic = Math.floor(i / each);
    const own = Array.from({ length: 30 }, () => `t${topic}w${cursor.below(40)}`);
    const shared = Array.from({ length: 10 }, () => `w${cursor.below(40)}`);
    return [...own, ...shared].join(' ');
  });
}

const TEXTS = topics(4, 25);
const row = (x: Float32Array, i: number, d = SMALL.dimensions) => x.subarray(i * d, (i + 1) * d);
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, j) => sum + value * (b[j] as number), 0);
const fitted = (texts: Parameters<typeof fitLsa>[0], options: Partial<LsaOptions> = {}) =>
  fitLsa(texts, { ...SMALL, ...options });

describe('the embedding of the texts that it was fitted on', () => {
  test('is U S: its columns are orthogonal, with the singular values as lengths', async () => {
    const model = await fitted(TEXTS);
    const x = await lsaEmbeddings(model, TEXTS);
    const bound = 64 * TEXTS.length * EPS32 * (model.singularValues[0] as number) ** 2;
    for (let a = 0; a < SMALL.dimensions; ++a) {
      for (let b = 0; b <= a; ++b) {
        let gram = 0;
        for (let i = 0; i < TEXTS.length; ++i) gram += (row(x, i)[a] as number) * (row(x, i)[b] as number);
        expect(Math.abs(gram - (a === b ? (model.singularValues[a] as number) ** 2 : 0))).toBeLessThan(bound);
      }
    }
  });

  test('with as many dimensions as texts: inner products are those of the weighted counts', async () => {
    const texts = ['red red green', 'green blue', 'red blue blue sky'];
    const x = await lsaEmbeddings(await fitted(texts), texts);
    const words = ['red', 'green', 'blue', 'sky'];
    const rows = texts.map((text) => {
      const counts = words.map((word) => text.split(' ').filter((each) => each === word).length);
      const raw = counts.map((count, w) => {
        const having = texts.filter((each) => each.includes(words[w] as string)).length;
        return count === 0 ? 0 : (1 + Math.log(count)) * (1 + Math.log((1 + texts.length) / (1 + having)));
      });
      const length = Math.hypot(...raw);
      return Float32Array.from(raw, (value) => value / length);
    });
    rows.forEach((a, i) =>
      rows.forEach((b, j) => expect(Math.abs(dot(row(x, i), row(x, j)) - dot(a, b))).toBeLessThan(100 * EPS32)),
    );
  });

  test('planted topics: k-means on it finds them, also for texts that it has not seen', async () => {
    const model = await fitted(TEXTS);
    const labels = async (texts: string[]) => {
      const rows = await lsaEmbeddings(model, texts);
      return openGradients({ layers: { x: { rows, shape: [texts.length, SMALL.dimensions] } } });
    };
    const tree = await fitClusters(await labels(TEXTS), { branching: 4, seed: 1 });
    const unseen = topics(4, 10, 99);
    for (const [texts, each] of [[TEXTS, 25] as const, [unseen, 10] as const]) {
      const found = await assignClusters(tree, await labels(texts));
      const groups = [0, 1, 2, 3].map((t) => Object.keys(clusterCounts(found.subarray(t * each, (t + 1) * each))));
      expect(groups.map((names) => names.length)).toEqual([1, 1, 1, 1]);
      expect(new Set(groups.flat()).size).toBe(4);
    }
  });
});

describe('the same model', () => {
  test('for a seed, on any number of threads, from a list or a stream; a plain value', async () => {
    const model = await fitted(TEXTS, { threads: 1 });
    for (const threads of [2, 3, 7]) expect(await fitted(TEXTS, { threads })).toEqual(model);
    const stream = async function* () {
      for (const text of TEXTS) yield await Promise.resolve(text);
    };
    expect(await fitted(stream())).toEqual(model);
    expect(structuredClone(model)).toEqual(model);
    expect((await fitted(TEXTS, { seed: 6 })).projection).not.toEqual(model.projection);
  });

  test('an embedding does not depend on the batch that a text came in', async () => {
    const model = await fitted(TEXTS);
    const all = await lsaEmbeddings(model, TEXTS);
    expect(await lsaEmbeddings(model, TEXTS.slice(90), { threads: 1 })).toEqual(all.subarray(90 * SMALL.dimensions));
  });

  test('a sample of the texts: all of them weigh the words, progress tells', async () => {
    const seen: LsaProgress[] = [];
    const many = Array.from({ length: 40 }, () => TEXTS).flat();
    const model = await fitted(many, { samples: 50, onProgress: (progress) => seen.push(progress) });
    expect(model.texts).toBe(4000);
    // Singular values of 50 rows of length 1.
    const squares = model.singularValues.reduce((sum, value) => sum + value * value, 0);
    expect(squares).toBeLessThanOrEqual(50 * (1 + 1000 * EPS32));
    expect(seen[0]).toMatchObject({ phase: 'texts', of: null });
    expect(seen.at(-1)).toEqual({ phase: 'products', done: 6, of: 6 });
  });

  test('through a file', async () => {
    const path = join(FOLDER, 'texts.safetensors');
    const model = await fitted(TEXTS, { characters: [2, 3] });
    await saveLsa(path, model);
    expect(await loadLsa(path)).toEqual(model);
    const bytes = await readFile(path);
    await writeFile(path, bytes.toString('latin1').replace('gradsift/lsa/1', 'gradsift/lsa/9'), 'latin1');
    expect((await rejection(loadLsa(path))).code).toBe('GRADSIFT_FORMAT');
    await writeFile(path, bytes.toString('latin1').replace('\\"words\\":[1,1]', '\\"words\\":[9,1]'), 'latin1');
    expect((await rejection(loadLsa(path))).code).toBe('GRADSIFT_FORMAT');
    bytes.fill(0xff, bytes.length - 4);
    await writeFile(path, bytes);
    expect((await rejection(loadLsa(path))).code).toBe('GRADSIFT_NON_FINITE');
    expect((await readSafetensors(path)).tensors.size).toBe(3);
  });
});

describe('edges', () => {
  test('a text without words is a row of zeros, as is one of words that no text had', async () => {
    const x = await lsaEmbeddings(await fitted(TEXTS), ['', ' \n', 'unheard']);
    expect(x).toHaveLength(3 * SMALL.dimensions);
    expect(x.every((value) => value === 0)).toBe(true);
  });

  test('fewer texts than dimensions: zeros beyond the rank', async () => {
    const { singularValues } = await fitted(['a b', 'c d', 'a c']);
    expect(singularValues[2]).toBeGreaterThan(0.1);
    expect([...singularValues.subarray(3)]).toEqual([0, 0, 0, 0, 0]);
  });

  test.each<[string, Parameters<typeof fitLsa>[0], Partial<LsaOptions>]>([
    ['no texts', [], {}],
    ['no words', ['', '  '], {}],
    ['one string instead of several', 'one two', {}],
    ['nothing to iterate', undefined as never, {}],
    ['a text that is none', ['a', 3 as never], {}],
    ['dimensions of 0', TEXTS, { dimensions: 0 }],
    ['more dimensions than buckets', TEXTS, { dimensions: 2 ** 12 + 1 }],
    ['samples of 0', TEXTS, { samples: 0 }],
    ['a negative oversample', TEXTS, { oversample: -1 }],
    ['fractional steps', TEXTS, { powerIterations: 0.5 }],
    ['no seed', TEXTS, { seed: undefined as never }],
  ])('bad input: %s', async (_, texts, options) => {
    expect((await rejection(fitted(texts, options))).code).toBe('GRADSIFT_ARGUMENT');
  });

  test('an abort ends it', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    expect((await rejection(fitted(TEXTS, { signal: controller.signal, onProgress }))).message).toBe('enough');
  });
});
