import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { effectiveTokens, planEpochs } from '../../lib/reweighting/epochs.js';
import {
  createMixture,
  loadMixture,
  mixtureText,
  mixtureWeights,
  parseMixture,
  saveMixture,
  type MixtureFields,
} from '../../lib/reweighting/mixture.js';
import { inUnit, lossFactors } from '../../lib/reweighting/units.js';
import { VERSION } from '../../lib/version.js';
import { thrownCode } from '../linalg/matrices.js';
import { expectDigits, largestGap, values } from './numbers.js';

const FIELDS: MixtureFields = {
  method: 'doge',
  weights: { books: 0.5, web: 0.3, code: 0.2, '7': 0 },
  tokenizer: 'gpt2',
  step: 10_000,
  sources: {
    books: { path: 'data/books', tokens: 1000, documents: 10 },
    web: { path: 'data/web', tokens: 6000, documents: 600, cap: 2 },
    code: { path: 'data/code', tokens: 2000, documents: 100 },
  },
};
const MIXTURE = createMixture(FIELDS);

describe('the record', () => {
  test('is plain data that its text gives back, bit for bit', () => {
    expect(MIXTURE).toMatchObject({ schema: 'gradsift/mixture/1', method: 'doge', version: VERSION, unit: 'token' });
    expect(MIXTURE.domains[0]).toEqual({ name: '7', weight: 0 }); // JavaScript lists whole-number keys first
    expect(parseMixture(mixtureText(MIXTURE))).toEqual(MIXTURE);
    const odd = createMixture({ method: 'x', weights: { a: 0.1 + 0.2, b: 1 - (0.1 + 0.2) } });
    expect(mixtureWeights(parseMixture(mixtureText(odd)))).toEqual({ a: 0.1 + 0.2, b: 1 - (0.1 + 0.2) });
    expect(createMixture(FIELDS).sha).toBe(MIXTURE.sha);
    expect(createMixture({ ...FIELDS, step: 9 }).sha).not.toBe(MIXTURE.sha);
  });

  test('as a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gradsift-mixture-'));
    try {
      const path = join(folder, 'mixture.json');
      await saveMixture(path, MIXTURE);
      expect(await loadMixture(path)).toEqual(MIXTURE);
      await writeFile(path, '{');
      await expect(loadMixture(path)).rejects.toMatchObject({ code: 'GRADSIFT_FORMAT' });
      await expect(loadMixture(join(folder, 'none'))).rejects.toMatchObject({ code: 'GRADSIFT_IO' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('one written by hand needs neither hash nor version; an edited one is found out', () => {
    const { sha: _sha, version: _version, ...hand } = MIXTURE;
    expect(parseMixture(JSON.stringify(hand))).toEqual(MIXTURE);
    const edited = { ...MIXTURE, domains: MIXTURE.domains.map((d) => ({ ...d, weight: 0.25 })) };
    expect(thrownCode(() => parseMixture(JSON.stringify(edited)))).toBe('GRADSIFT_FORMAT');
  });

  test.each([
    ['not an object', []],
    ['another schema', { ...MIXTURE, schema: 'gradsift/mixture/2' }],
    ['no domains', { ...MIXTURE, sha: undefined, domains: undefined }],
    ['a name twice', { ...MIXTURE, sha: undefined, domains: [0.5, 0.5].map((weight) => ({ name: 'a', weight })) }],
    ['a sum that is not 1', { ...MIXTURE, sha: undefined, domains: [{ name: 'a', weight: 0.9 }] }],
    ['a weight that is text', { ...MIXTURE, sha: undefined, domains: [{ name: 'a', weight: '1' }] }],
    ['a field that is none', { ...MIXTURE, sha: undefined, domains: [{ name: 'a', weight: 1, url: 'x' }] }],
    ['a size that is none', { ...MIXTURE, sha: undefined, domains: [{ name: 'a', weight: 1, tokens: -1 }] }],
    ['another unit', { ...MIXTURE, sha: undefined, unit: 'byte' }],
  ])('a file with %s', (_what, record) => {
    expect(thrownCode(() => parseMixture(JSON.stringify(record)))).toBe('GRADSIFT_FORMAT');
  });

  test('mistakes', () => {
    const code = (fields: object) => thrownCode(() => createMixture({ ...FIELDS, ...fields }));
    expect(code({ weights: { a: 0.6 } })).toBe('GRADSIFT_ARGUMENT');
    expect(code({ weights: {} })).toBe('GRADSIFT_ARGUMENT');
    expect(code({ weights: { a: NaN }, sources: {} })).toBe('GRADSIFT_NON_FINITE');
    expect(code({ sources: { other: {} } })).toBe('GRADSIFT_ARGUMENT');
    expect(code({ sources: { web: { path: '' } } })).toBe('GRADSIFT_ARGUMENT');
    expect(code({ method: 3 })).toBe('GRADSIFT_ARGUMENT');
    expect(code({ step: -1 })).toBe('GRADSIFT_ARGUMENT');
    expect(code({ unit: 'byte' })).toBe('GRADSIFT_ARGUMENT');
  });
});

describe('units', () => {
  test('documents are drawn by weight over mean length, and back', () => {
    const documents = inUnit(MIXTURE, 'document');
    // Mean lengths 100, 10, 20: 0.005, 0.03, 0.01 of 0.045.
    const { books, web, code } = mixtureWeights(documents) as { books: number; web: number; code: number };
    expect(largestGap([books, web, code], [1 / 9, 6 / 9, 2 / 9])).toBeLessThanOrEqual(4 * 2 ** -53);
    expect(documents.unit).toBe('document');
    const back = mixtureWeights(inUnit(documents, 'token'));
    expect(largestGap(values(back), values(mixtureWeights(MIXTURE)))).toBeLessThanOrEqual(16 * 2 ** -53);
  });

  test('full sequences have the shares of tokens', () => {
    expect(mixtureWeights(inUnit(MIXTURE, 'sequence'))).toEqual(mixtureWeights(MIXTURE));
    expect(inUnit(MIXTURE, 'token')).toBe(MIXTURE);
  });

  test('a domain with a weight and no length', () => {
    const bare = createMixture({
      method: 'x',
      weights: { a: 0.5, b: 0.5 },
      sources: { a: { tokens: 3, documents: 1 } },
    });
    expect(thrownCode(() => inUnit(bare, 'document'))).toBe('GRADSIFT_ARGUMENT');
    expect(thrownCode(() => inUnit(MIXTURE, 'byte' as 'token'))).toBe('GRADSIFT_ARGUMENT');
  });

  test('loss factors turn draws by q into the objective of w', () => {
    const [w, q] = [
      { a: 0.5, b: 0.5, c: 0 },
      { a: 0.25, b: 0.75, c: 0 },
    ];
    const factors = lossFactors(w, q);
    expect(factors).toEqual({ a: 2, b: 0.5 / 0.75, c: 0 });
    expect(thrownCode(() => lossFactors(w, { a: 1, b: 0, c: 0 }))).toBe('GRADSIFT_ARGUMENT');
  });
});

describe('epochs', () => {
  test('a budget over the sizes; a cap gives to the others in proportion', () => {
    const free = planEpochs(
      createMixture({ ...FIELDS, sources: { ...FIELDS.sources, web: { tokens: 6000 } } }),
      20_000,
    );
    expect(free.capped).toEqual([]);
    expect(free.mixture.domains.map(({ epochs }) => epochs)).toEqual([0, 10, 1, 2]);
    // Web may be seen twice, 12 000 tokens: 0.24 of 50 000. Books and code share 0.76 as 5 : 2.
    const { mixture, capped } = planEpochs(MIXTURE, 50_000);
    const { books, web, code } = mixtureWeights(mixture) as { books: number; web: number; code: number };
    expect(largestGap([books, web, code], [(0.76 * 5) / 7, 0.24, (0.76 * 2) / 7])).toBeLessThanOrEqual(8 * 2 ** -53);
    expect(capped).toEqual([{ name: 'web', from: 0.3, to: web }]);
    const epochs = mixture.domains.map((domain) => domain.epochs!);
    expect(largestGap(epochs, [0, (books * 50_000) / 1000, 2, (code * 50_000) / 2000])).toBeLessThanOrEqual(2 ** -44);
    expect(mixtureWeights(mixture)['7']).toBe(0); // what has weight 0 takes nothing up
  });

  test('caps that leave less data than the budget; sizes that are missing', () => {
    const sources = { a: { tokens: 100, cap: 1 }, b: { tokens: 100, cap: 2 } };
    const tight = createMixture({ method: 'x', weights: { a: 0.5, b: 0.5 }, sources });
    const plan = planEpochs(tight, 300);
    expect(largestGap(values(mixtureWeights(plan.mixture)), [1 / 3, 2 / 3])).toBeLessThanOrEqual(2 ** -52);
    expect(thrownCode(() => planEpochs(tight, 301))).toBe('GRADSIFT_ARGUMENT');
    expect(thrownCode(() => planEpochs(tight, 0))).toBe('GRADSIFT_ARGUMENT');
    expect(thrownCode(() => planEpochs(inUnit(MIXTURE, 'document'), 10))).toBe('GRADSIFT_ARGUMENT');
    const none = createMixture({ method: 'x', weights: { a: 1 } });
    expect(thrownCode(() => planEpochs(none, 10))).toBe('GRADSIFT_ARGUMENT');
  });

  test('what repetition is worth: U = 1, R = 3 (reweighting.md 6.9)', () => {
    expectDigits([effectiveTokens(1, 4)], [3.725710607], 9);
    expect(effectiveTokens(100, 0.25)).toBe(25);
    expect(effectiveTokens(100, 1)).toBe(100);
    expect(effectiveTokens(1, 1e9)).toBe(16.39);
    expect(thrownCode(() => effectiveTokens(1, NaN))).toBe('GRADSIFT_ARGUMENT');
  });
});
