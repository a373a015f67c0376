// Each export, read back by a reader that knows nothing of ours (JSON, a YAML library in both its versions, patterns
// for Python and command lines), apportions as the record does.
import { parse } from 'yaml';
import { apportion } from '../../lib/reweighting/apportion.js';
import { EXPORT_FORMATS, exportMixture, type ExportFormat } from '../../lib/reweighting/export-mixture.js';
import { real, realText, yamlText, type YamlValue } from '../../lib/reweighting/exports/yaml.js';
import { normalise, type DomainWeights } from '../../lib/reweighting/domains.js';
import { createMixture, mixtureWeights, type Mixture } from '../../lib/reweighting/mixture.js';
import { planEpochs } from '../../lib/reweighting/epochs.js';
import { inUnit } from '../../lib/reweighting/units.js';
import { thrownCode } from '../linalg/matrices.js';

const RAW = normalise({ books: 0.4, 'c4 "web"': 0.3, yes: 0.2, 'git: hub': 1e-7, wiki: 0.1 / 3, none: 0 });
const PATHS: Record<string, string> = {
  books: 'data/books',
  'c4 "web"': 's3://bucket/c4',
  yes: 'data/ja_1.5',
  'git: hub': '/data/git#hub',
  wiki: '~/wiki',
  none: 'data/none',
};
const MIXTURE = createMixture({
  method: 'doge',
  weights: RAW,
  sources: Object.fromEntries(
    Object.entries(PATHS).map(([name, path], i) => [
      name,
      { path, tokens: 1000 * (i + 1), documents: 10 * (i + 1) ** 2 },
    ]),
  ),
});
const PLANNED = planEpochs(MIXTURE, 5000).mixture;
const NAME_OF = Object.fromEntries(Object.entries(PATHS).map(([name, path]) => [path, name]));

const byPath = (pairs: readonly (readonly [string, number])[]): DomainWeights =>
  Object.fromEntries(pairs.map(([path, weight]) => [NAME_OF[path]!, weight]));
const zip = (paths: readonly string[], weights: readonly number[]) =>
  byPath(paths.map((path, index) => [path, weights[index]!]));
const inTurn = (words: readonly (string | number)[]) =>
  byPath(words.flatMap((word, i) => (i % 2 === 0 ? [[String(words[i + 1]), Number(word)] as const] : [])));

/** As PyYAML (1.1) and as newer readers (1.2): the same value, or the form is ambiguous. */
function yaml<Value>(text: string): Value {
  const [old, current] = ['1.1', '1.2'].map((version) => parse(text, { version: version as '1.1' }) as Value);
  expect(old).toEqual(current);
  return current!;
}
const strings = (text: string) =>
  [...text.matchAll(/^ {4}("(?:[^"\\]|\\.)*"),/gm)].map(([, s]) => JSON.parse(s!) as string);
const numbers = (text: string) => [...text.matchAll(/^ {4}([0-9][0-9.e+-]*),/gm)].map(([, n]) => Number(n));

interface Case {
  readonly format: ExportFormat;
  readonly options?: object;
  readonly mixture?: Mixture;
  /** Weights by name, from the text alone; null where it has counts or epochs. */
  readonly read: (text: string) => DomainWeights;
}
type Rows = { weight: number; path: string }[];
type Streams = { train_loader: { dataset: { streams: Record<string, { proportion: number }> } } };

const cases: Case[] = [
  { format: 'megatron', read: (text) => inTurn(text.trim().split(' ').slice(1)) },
  { format: 'megatron', options: { form: 'data-args-path' }, read: (text) => inTurn(text.trim().split(/\s+/)) },
  {
    format: 'megatron',
    options: { form: 'per-split-data-args-path', valid: ['data/valid'] },
    read: (text) => inTurn((JSON.parse(text) as { train: string[] }).train),
  },
  { format: 'nemo', read: (text) => inTurn(yaml<{ data_prefix: (string | number)[] }>(text).data_prefix) },
  {
    format: 'nemo',
    options: { form: 'blend' },
    read: (text) => zip(...yaml<{ blend: [string[], number[]] }>(text).blend),
  },
  {
    format: 'energon',
    read: (text) => {
      const { splits } = yaml<{ splits: { train: { blend: Rows } } }>(text);
      return byPath(splits.train.blend.map(({ path, weight }) => [path, weight]));
    },
  },
  {
    format: 'streaming',
    read: (text) => {
      const { streams } = yaml<Streams>(text).train_loader.dataset;
      return Object.fromEntries(Object.entries(streams).map(([name, { proportion }]) => [name, proportion]));
    },
  },
  { format: 'hugging-face', read: (text) => zip(strings(text), numbers(text)) },
  { format: 'hugging-face', options: { samples: 'document' }, read: (text) => zip(strings(text), numbers(text)) },
  {
    format: 'olmo-core',
    read: (text) => {
      const { sources } = yaml<{ sources: { source_name: string; target_ratio: number }[] }>(text);
      return Object.fromEntries(sources.map((source) => [source.source_name, source.target_ratio]));
    },
  },
  {
    format: 'torchtitan',
    read: (text) => {
      const found = [...text.matchAll(/WeightedDataset\(dataset=("(?:[^"\\]|\\.)*"), weight=([0-9.e+-]+)\),/g)];
      return byPath(found.map(([, path, weight]) => [JSON.parse(path!) as string, Number(weight)]));
    },
  },
  { format: 'levanter', read: (text) => yaml<{ data: { train_weights: DomainWeights } }>(text).data.train_weights },
  {
    format: 'nanotron',
    read: (text) => {
      const { dataset_folder: folders, dataset_weights: weights } = yaml<Record<string, never>>(text);
      return zip(folders as unknown as string[], weights as unknown as number[]);
    },
  },
  {
    format: 'llama-factory',
    read: (text) => {
      const { dataset, interleave_probs: list } = yaml<{ dataset: string; interleave_probs: string }>(text);
      const weights = list.split(',').map(Number);
      return Object.fromEntries(dataset.split(',').map((name, index) => [name, weights[index]!]));
    },
  },
  {
    format: 'gpt-neox',
    read: (text) => {
      const { train_data_paths: paths, train_data_weights: weights } = yaml<Record<string, never>>(text);
      return zip(paths as unknown as string[], weights as unknown as number[]);
    },
  },
  { format: 'doremi', read: (text) => (JSON.parse(text) as Record<string, DomainWeights>).train_domain_weights! },
  {
    format: 'regmix',
    read: (text) => {
      const { train } = yaml<{ train: DomainWeights }>(text);
      return Object.fromEntries(Object.entries(train).map(([name, weight]) => [name.slice('train_'.length), weight]));
    },
  },
];

test.each(cases)('$format $options: the same weights to the bit, and the same counts', ({ format, options, read }) => {
  const { text, unit, dropped } = exportMixture(MIXTURE, format, options);
  expect(dropped).toEqual(['none']);
  const { none: _none, ...expected } = mixtureWeights(inUnit(MIXTURE, unit));
  const found = read(text);
  expect(found).toEqual(expected);
  for (const total of [11, 1000, 2 ** 31]) expect(apportion(found, total)).toEqual(apportion(expected, total));
});

test('every format has a case', () => {
  expect(new Set(cases.map(({ format }) => format))).toEqual(new Set(EXPORT_FORMATS));
});

describe('what is particular to one form', () => {
  test('Megatron-LM', () => {
    const mixture = createMixture({ method: 'x', weights: { a: 1 }, sources: { a: { path: 'p' } } });
    expect(exportMixture(mixture, 'megatron').text).toBe('--data-path 1 p\n');
    expect(exportMixture(mixture, 'megatron', { form: 'train-data-path' }).text).toBe('--train-data-path 1 p\n');
    const splits = exportMixture(mixture, 'megatron', { form: 'per-split-data-args-path', valid: ['v'], test: ['t'] });
    expect(JSON.parse(splits.text)).toEqual({ train: ['1', 'p'], valid: ['v'], test: ['t'] });
    for (const path of ['a b', '12', '-x', '1e5']) {
      const bad = createMixture({ method: 'x', weights: { a: 1 }, sources: { a: { path } } });
      expect(thrownCode(() => exportMixture(bad, 'megatron'))).toBe('GRADSIFT_ARGUMENT');
    }
  });

  test('Streaming in whole samples, and in epochs', () => {
    const options = { form: 'choose', epochSamples: 1000 } as const;
    type Chosen = { train_loader: { dataset: { streams: Record<string, { choose: number; repeat: number }> } } };
    const { streams } = yaml<Chosen>(exportMixture(MIXTURE, 'streaming', options).text).train_loader.dataset;
    const counts = Object.fromEntries(Object.entries(streams).map(([name, { choose }]) => [name, choose]));
    const { none: _none, ...expected } = apportion(mixtureWeights(MIXTURE), 1000);
    expect(counts).toEqual(expected);
    const repeat = yaml<Chosen>(exportMixture(PLANNED, 'streaming', { form: 'repeat' }).text).train_loader.dataset
      .streams;
    for (const { name, epochs, weight } of PLANNED.domains) if (weight > 0) expect(repeat[name]!.repeat).toBe(epochs);
    const remote = exportMixture(MIXTURE, 'streaming', { paths: 'remote', cache: 'tmp' });
    expect(remote.text).toContain('remote: data/books');
    expect(remote.text).toContain('local: tmp/books');
  });

  test('Energon by passes', () => {
    const { text } = exportMixture(PLANNED, 'energon', { form: 'blend_epochized' });
    type Passes = { splits: { train: { blend_epochized: { repetitions: number; path: string }[] } } };
    const rows = yaml<Passes>(text).splits.train.blend_epochized;
    expect(rows.map(({ repetitions }) => repetitions)).toEqual(
      PLANNED.domains.filter(({ weight }) => weight > 0).map(({ epochs }) => epochs),
    );
    expect(text.startsWith('__module__: megatron.energon\n__class__: MetadatasetV2\n')).toBe(true);
  });

  test('OLMo-core: repetition of at least 1, a fraction of at most 1', () => {
    const sources = { a: { path: 'p', cap: 4 }, b: { path: 'q', cap: 0.5 } };
    const mixture = createMixture({ method: 'x', weights: { a: 0.5, b: 0.5 }, sources });
    const { sources: found } = yaml<{ sources: object[] }>(exportMixture(mixture, 'olmo-core').text);
    expect(found).toEqual([
      { source_name: 'a', target_ratio: 0.5, paths: ['p'], max_repetition_ratio: 4 },
      { source_name: 'b', target_ratio: 0.5, paths: ['q'], max_repetition_ratio: 1, max_source_fraction: 0.5 },
    ]);
  });

  test('Levanter in stages', () => {
    const later = createMixture({ method: 'x', weights: { a: 0.25, b: 0.75 } });
    const first = createMixture({ method: 'x', weights: { a: 1, b: 0 } });
    const { text } = exportMixture(first, 'levanter', { stages: [{ start: 4096, mixture: later }] });
    expect(yaml<object>(text)).toEqual({
      data: {
        train_weights: [
          [0, { a: 1 }],
          [4096, { a: 0.25, b: 0.75 }],
        ],
      },
    });
    const code = (start: number) =>
      thrownCode(() => exportMixture(first, 'levanter', { stages: [{ start, mixture: later }] }));
    expect(code(4097)).toBe('GRADSIFT_ARGUMENT');
    expect(code(0)).toBe('GRADSIFT_ARGUMENT');
  });

  test('doremi and RegMix name their evaluation sets', () => {
    const evaluation = { books: 1 };
    const { text } = exportMixture(MIXTURE, 'doremi', { evaluation });
    expect((JSON.parse(text) as Record<string, object>).eval_domain_weights).toEqual(evaluation);
    const regmix = yaml<{ valid: object }>(exportMixture(MIXTURE, 'regmix', { valid: ['law'] }).text);
    expect(regmix.valid).toEqual({ valid_law: 1 });
  });
});

test('mistakes', () => {
  const bare = createMixture({ method: 'x', weights: { 'a,b': 1 } });
  const code = (format: string, options: object = {}, mixture = bare) =>
    thrownCode(() => exportMixture(mixture, format as ExportFormat, options));
  expect(code('keras')).toBe('GRADSIFT_ARGUMENT');
  for (const format of [
    'megatron',
    'nemo',
    'energon',
    'streaming',
    'hugging-face',
    'olmo-core',
    'nanotron',
    'gpt-neox',
  ]) {
    expect(code(format)).toBe('GRADSIFT_ARGUMENT'); // no path
  }
  expect(code('llama-factory')).toBe('GRADSIFT_ARGUMENT'); // a comma in a name
  expect(code('megatron', { form: 'x' }, MIXTURE)).toBe('GRADSIFT_ARGUMENT');
  expect(code('energon', { form: 'blend_epochized' }, MIXTURE)).toBe('GRADSIFT_ARGUMENT'); // no epochs
  expect(code('streaming', { form: 'repeat' }, MIXTURE)).toBe('GRADSIFT_ARGUMENT');
  expect(code('streaming', { form: 'choose' }, MIXTURE)).toBe('GRADSIFT_ARGUMENT');
  expect(code('streaming', { paths: 'remote' }, MIXTURE)).toBe('GRADSIFT_ARGUMENT');
  expect(code('hugging-face', { samples: 'line' }, MIXTURE)).toBe('GRADSIFT_ARGUMENT');
  expect(code('olmo-core', { maxSourceFraction: 0 }, MIXTURE)).toBe('GRADSIFT_ARGUMENT');
});

describe('YAML', () => {
  test.each<YamlValue[]>([
    [{ a: 1, b: [1, 'two', { c: [] }, [1, [2]]], real: { x: real(1e-7) }, empty: {} }],
    [[{ a: { b: 1 } }, {}, []]],
    ['yes', 'no', 'null', '1', '1.5', '~', '', ' a', 'a: b', '- a', '#a', "it's", '"', '\n', 'é', '0x1f', '.nan', '{}'],
  ])('%j', (...values) => {
    const plain = (value: YamlValue): unknown =>
      JSON.parse(
        JSON.stringify(value, (_, item: unknown) =>
          typeof item === 'object' && item !== null && Object.getOwnPropertySymbols(item).length > 0 ? 1e-7 : item,
        ),
      ) as unknown;
    for (const value of values) {
      expect(yaml(yamlText(value))).toEqual(plain(value));
      expect(yaml(yamlText({ key: value }))).toEqual({ key: plain(value) });
      expect(yaml(yamlText([value, value]))).toEqual([plain(value), plain(value)]);
      if (typeof value === 'string') expect(yaml(yamlText({ [value]: 1 }))).toEqual({ [value]: 1 });
    }
  });

  test('floats have the point and the sign that PyYAML asks for, and the same bits', () => {
    for (const value of [0.5, 1, 1e-7, 1.5e-7, 1e21, 5e-324, 0.1 + 0.2]) {
      expect(realText(value)).toMatch(/^[0-9]+\.[0-9]+(e[+-][0-9]+)?$/);
      expect(Number(realText(value))).toBe(value);
    }
  });
});
