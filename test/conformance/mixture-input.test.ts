// Bad input of everything that takes domain weights, sizes or counts: what is wrong is named, with what was expected
// and what came; and what is unusual but right (a weight of 0, one domain) works. Rules have their own suite.
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { alignments } from '../../lib/reweighting/alignments.js';
import { aioliMixtures } from '../../lib/reweighting/aioli.js';
import { apportion } from '../../lib/reweighting/apportion.js';
import { mixBasis } from '../../lib/reweighting/basis.js';
import { megatronBlend } from '../../lib/reweighting/blend.js';
import { assignClusters, fitClusters } from '../../lib/reweighting/cluster-tree.js';
import { crisp } from '../../lib/reweighting/crisp.js';
import { dga } from '../../lib/reweighting/dga.js';
import { doge } from '../../lib/reweighting/doge.js';
import { normalise, type DomainNumbers } from '../../lib/reweighting/domains.js';
import { planEpochs } from '../../lib/reweighting/epochs.js';
import { EXPORT_FORMATS, exportMixture } from '../../lib/reweighting/export-mixture.js';
import { createMixture, mixtureText, parseMixture } from '../../lib/reweighting/mixture.js';
import { mixtureSampler } from '../../lib/reweighting/mixture-sampler.js';
import { proportional } from '../../lib/reweighting/proportional.js';
import { temperature } from '../../lib/reweighting/temperature.js';

/** Everything that takes weights over the domains a and b. */
const TAKERS: Readonly<Record<string, (weights: DomainNumbers) => unknown>> = {
  'a rule': (weights) => dga().init(['a', 'b'], weights),
  'a static rule': (weights) => proportional({ sizes: { a: 1, b: 1 } }).init(['a', 'b'], weights),
  'a sampler': (weights) => {
    const sampler = mixtureSampler({ sizes: { a: 5, b: 5 }, seed: 1 });
    return sampler.draw(sampler.init(), weights, 3);
  },
  'Megatron blend': (weights) => megatronBlend(weights, 5),
  apportionment: (weights) => apportion(weights, 10),
  'the mixture record': (weights) => createMixture({ method: 'by hand', weights }),
  'a basis': (weights) => mixBasis({ a: { x: 1 }, b: { x: 0.5, y: 0.5 } }, weights),
  'rows of a basis': (weights) => mixBasis({ one: weights }, { one: 1 }),
};

/** Code and message of what a call throws, or rejects with. */
async function thrown(call: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await call();
  } catch (error) {
    return error as { code: string; message: string };
  }
  return { code: 'none', message: '' };
}

const ARGUMENT = 'GRADSIFT_ARGUMENT';
const saysWhatAndWhy = (name: RegExp) => new RegExp(`${name.source}.*expected .+, got .+`);

describe.each(Object.entries(TAKERS))('weights of %s', (_name, take) => {
  test.each([
    ['that do not sum to 1', { a: 0.5, b: 0.4 }, ARGUMENT, /sum to 1/, '0.9'],
    ['all 0', { a: 0, b: 0 }, ARGUMENT, /sum to 1/, '0'],
    ['below 0', { a: 1.5, b: -0.5 }, ARGUMENT, /b/, '-0.5'],
    ['NaN', { a: NaN, b: 1 }, 'GRADSIFT_NON_FINITE', /a/, 'NaN'],
    ['infinite', { a: Infinity, b: 0 }, 'GRADSIFT_NON_FINITE', /a/, 'Infinity'],
    ['that are no numbers', { a: '1', b: 0 }, ARGUMENT, /a/, '"1"'],
  ])('%s', async (_what, weights, code, name, got) => {
    const error = await thrown(() => take(weights as DomainNumbers));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(name);
    expect(error.message).toMatch(/expected .+, got .+/);
    expect(error.message.endsWith(`got ${got}`)).toBe(true);
  });

  test('0 for a domain is fine', async () => {
    expect(await thrown(() => take({ a: 1, b: 0 }))).toMatchObject({ code: 'none' });
  });
});

describe('a domain with no data', () => {
  test('has weight 0 by size, and is never drawn', () => {
    const sizes = { a: 3, b: 0 };
    for (const rule of [proportional({ sizes }), temperature({ sizes, temperature: 5 })]) {
      expect(rule.weights(rule.init(['a', 'b']))).toEqual({ a: 1, b: 0 });
    }
    const sampler = mixtureSampler({ sizes, seed: 1 });
    const { samples } = sampler.draw(sampler.init(), { a: 1, b: 0 }, 7);
    expect(samples.every(({ domain }) => domain === 'a')).toBe(true);
  });

  const sources = { a: { tokens: 10 }, b: { tokens: 0 } };
  const half = { a: 0.5, b: 0.5 };
  const store = () => openGradients({ layers: { all: { rows: new Float32Array(4), shape: [2, 2] } } });
  test.each<[string, () => unknown, string, RegExp]>([
    ['no domain has any', () => proportional({ sizes: { a: 0, b: 0 } }).init(['a', 'b']), ARGUMENT, /sizes/],
    ['normalise', () => normalise({ a: 0, b: 0 }), ARGUMENT, /numbers/],
    [
      'a sampler',
      () => {
        const sampler = mixtureSampler({ sizes: { a: 3, b: 0 }, seed: 1 });
        return sampler.draw(sampler.init(), half, 1);
      },
      ARGUMENT,
      /weights\.b/,
    ],
    [
      'planEpochs',
      () => planEpochs(createMixture({ method: 'x', weights: half, sources }), 5),
      ARGUMENT,
      /tokens of b/,
    ],
    ['crisp, no generic data', () => crisp({ target: { c: 1 }, generic: { c: 0 } }), ARGUMENT, /generic/],
    ['crisp, no specialist data', () => crisp({ target: { c: 0 }, generic: { c: 3 } }), ARGUMENT, /target/],
    ['alignments, a row too few', async () => alignments({ gradients: await store(), rows: ['a'] }), ARGUMENT, /rows/],
    [
      'alignments, no tokens',
      async () => alignments({ gradients: await store(), rows: ['a', 'b'], tokens: [3, 0] }),
      ARGUMENT,
      /tokens\[1\]/,
    ],
  ])('%s', async (_what, call, code, name) => {
    const error = await thrown(call);
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(saysWhatAndWhy(name));
  });

  test('alignments: gradients of zeros are aligned with nothing, and no NaN comes of it', async () => {
    const found = await alignments({ gradients: await store(), rows: ['a', 'b'] });
    expect(found).toMatchObject({ norms: { a: 0, b: 0 }, gram: { a: { a: 0, b: 0 }, b: { a: 0, b: 0 } } });
    for (const scoreNorm of ['none', 'meanNorm', 'cosine'] as const) {
      const rule = doge({ scoreNorm, stepSize: 1 });
      expect(rule.weights(rule.update(rule.init(['a', 'b']), found))).toEqual(half);
    }
  });
});

test.each<[string, () => unknown, string]>([
  ['a rule', () => dga().init(['a', 'b', 'a']), ARGUMENT],
  ['sweeps', () => aioliMixtures(['a', 'a'], 0.7), ARGUMENT],
  [
    'the mixture record',
    () => {
      const text = mixtureText(createMixture({ method: 'x', weights: { a: 0.5, b: 0.5 } }));
      return parseMixture(text.replace('"name": "b"', '"name": "a"'));
    },
    'GRADSIFT_FORMAT',
  ],
])('duplicate names: %s', async (_what, call, code) => {
  const error = await thrown(call);
  expect(error).toMatchObject({ code });
  expect(error.message).toMatch(/expected .+, got "a" twice/);
});

test.each<[string, () => unknown]>([
  ['dga', () => dga({ target: 'a' }).init(['a', 'b'])],
  ['doge', () => doge({ target: { name: 'a' } }).init(['a', 'b'])],
])('a target that is a domain: %s', async (_what, call) => {
  const error = await thrown(call);
  expect(error).toMatchObject({ code: ARGUMENT });
  expect(error.message).toMatch(/^target: expected .+, got "a"$/);
});

test('one domain only', async () => {
  const weights = { a: 1 };
  const sampler = mixtureSampler({ sizes: { a: 3 }, seed: 1 });
  expect(
    sampler
      .draw(sampler.init(), weights, 3)
      .samples.map(({ index }) => index)
      .sort(),
  ).toEqual([0, 1, 2]);
  expect(megatronBlend(weights, 4).order).toEqual(new Uint32Array(4));
  expect(apportion(weights, 7)).toEqual({ a: 7 });
  expect(aioliMixtures(['a'], 1)).toEqual([weights]);
  expect(crisp({ target: { a: 2 }, generic: { a: 5 } })).toMatchObject({ weights, importance: weights, coverage: 1 });
  expect(mixBasis({ only: weights }, { only: 1 })).toEqual(weights);
  const sources = { a: { path: '/data/a', tokens: 100, documents: 10 } };
  const { mixture: planned } = planEpochs(createMixture({ method: 'x', weights, sources }), 50);
  expect(planned.domains).toMatchObject([{ weight: 1, epochs: 0.5 }]);
  for (const format of EXPORT_FORMATS) {
    expect(await thrown(() => exportMixture(planned, format))).toMatchObject({ code: 'none' });
  }
});

test('exports leave a domain of weight 0 out, and say so', () => {
  const source = (path: string) => ({ path, tokens: 100, documents: 10, epochs: 1 });
  const sources = { a: source('/data/here'), b: source('/data/gone'), c: source('/data/there') };
  const record = createMixture({ method: 'x', weights: { a: 0.5, b: 0, c: 0.5 }, sources });
  for (const format of EXPORT_FORMATS) {
    const { text, dropped } = exportMixture(record, format);
    expect([format, dropped]).toEqual([format, ['b']]);
    expect(text).not.toMatch(/gone/);
  }
});

describe('embeddings with rows of zeros, and no rows', () => {
  const store = (rows: number[], count: number) =>
    openGradients({ layers: { all: { rows: Float32Array.from(rows), shape: [count, 2] } } });
  const options = { branching: 2, seed: 1 };

  test('a row of zeros is named where rows are brought to length 1, and taken as it is elsewhere', async () => {
    const rows = [1, 0, 0, 1, 0, 0, 0, 2];
    const error = await thrown(async () => fitClusters(await store(rows, 4), options));
    expect(error).toMatchObject({ code: ARGUMENT });
    expect(error.message).toMatch(/2/);
    const tree = await fitClusters(await store(rows, 4), { ...options, normalise: false });
    const labels = await assignClusters(tree, await store(rows, 4));
    expect(Array.from(labels).every((label) => label === 0 || label === 1)).toBe(true);
  });

  test('no rows are no store', async () => {
    expect(await thrown(() => store([], 0))).toMatchObject({ code: 'GRADSIFT_SHAPE' });
  });
});
