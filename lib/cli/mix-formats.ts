// The trainers that `gradsift mix export` writes for, and their options. No exporter is loaded here.
import { GradsiftError, mismatch } from '../errors.js';
import type { ExportFormat } from '../reweighting/export-mixture.js';
import type { MixtureDomain } from '../reweighting/mixture.js';
import { readObject } from './json-input.js';
import { optionName } from './mix-rule-options.js';
import { textTable, type Style } from './text-table.js';
import { parseInteger, parseList, parsePositive } from './values.js';

interface Trainer {
  readonly writes: string;
  /** What a weight is a share of; 'sample': whatever a sample of the dataset is (--unit). */
  readonly unit: 'token' | 'sequence' | 'sample';
  readonly needs: string;
}

export const TRAINERS: Readonly<Record<ExportFormat, Trainer>> = {
  megatron: { writes: 'flags, or the file of one (--form)', unit: 'sequence', needs: 'paths' },
  nemo: { writes: 'YAML: data_prefix, or blend (--form)', unit: 'sequence', needs: 'paths' },
  energon: { writes: 'YAML metadataset', unit: 'sample', needs: 'paths; --form blend_epochized: --budget' },
  streaming: {
    writes: 'YAML of LLM-Foundry',
    unit: 'sample',
    needs: 'paths; --form choose: --samples, repeat: --budget',
  },
  'hugging-face': { writes: 'Python: interleave_datasets', unit: 'sample', needs: 'paths' },
  'olmo-core': { writes: 'YAML: sources', unit: 'token', needs: 'paths' },
  torchtitan: { writes: 'Python: DatasetMixConfig', unit: 'sample', needs: 'paths, or --dataset' },
  levanter: { writes: 'YAML: train_weights, or stages (--stage)', unit: 'sequence', needs: 'names' },
  nanotron: { writes: 'YAML: dataset_folder', unit: 'sequence', needs: 'paths' },
  'llama-factory': { writes: 'YAML: interleave_probs', unit: 'sample', needs: 'names' },
  'gpt-neox': { writes: 'YAML: train_data_paths', unit: 'sequence', needs: 'paths' },
  doremi: { writes: 'JSON: train_domain_weights', unit: 'sequence', needs: 'names' },
  regmix: { writes: 'YAML: train, valid', unit: 'sequence', needs: 'names' },
};

interface FormatOption {
  readonly flags: string;
  readonly formats: readonly ExportFormat[];
  /** The options of the library that the text means. */
  readonly read: (name: string, text: string) => object;
  readonly help: string;
}

const row = (
  flags: string,
  formats: FormatOption['formats'],
  read: FormatOption['read'],
  help: string,
): FormatOption => ({ flags, formats, read, help });
const text = (key: string) => (_: string, value: string) => ({ [key]: value });
const list = (key: string) => (name: string, value: string) => ({ [key]: parseList(name, value) });
const count = (key: string) => (name: string, value: string) => ({ [key]: parseInteger(name, value, 0) });

export const FORMAT_OPTIONS: readonly FormatOption[] = [
  row('--form <name>', ['megatron', 'nemo', 'energon', 'streaming'], text('form'), 'which of its forms: see --to list'),
  row('--valid <names>', ['megatron', 'regmix'], list('valid'), 'prefixes, or names, for validation; with commas'),
  row('--test <names>', ['megatron'], list('test'), 'prefixes for the test split; with commas'),
  row('--split <name>', ['streaming', 'hugging-face'], text('split'), 'split of every dataset (default: train)'),
  row(
    '--remote-cache <folder>',
    ['streaming'],
    (_, cache) => ({ paths: 'remote', cache }),
    'paths are remote, and cached here by name',
  ),
  row('--interleave-seed <n>', ['hugging-face'], count('seed'), 'of interleave_datasets (default: 0)'),
  row('--stopping-strategy <name>', ['hugging-face'], text('stoppingStrategy'), 'default: first_exhausted'),
  row('--strategy <name>', ['llama-factory'], text('strategy'), 'interleave_under, interleave_over'),
  row(
    '--max-source-fraction <x>',
    ['olmo-core'],
    (name, value) => ({ maxSourceFraction: parsePositive(name, value) }),
    'most of a source that may be used',
  ),
  row('--block-size <n>', ['levanter'], count('blockSize'), 'its mixture block, in sequences (default: 2048)'),
  row('--evaluation <json>', ['doremi'], (name, value) => ({ evaluation: readObject(name, value) }), 'weights there'),
  row(
    '--dataset <python>',
    ['torchtitan'],
    (_, python) => ({
      dataset: ({ name, path = '' }: MixtureDomain) =>
        python.replaceAll('{name}', () => JSON.stringify(name)).replaceAll('{path}', () => JSON.stringify(path)),
    }),
    'expression of a dataset; {name} and {path} stand for strings',
  ),
];

/** What was given of a trainer's options. @throws GRADSIFT_ARGUMENT for an option that the trainer has not */
export function formatOptions(format: ExportFormat, flags: Readonly<Record<string, unknown>>): object {
  const given = FORMAT_OPTIONS.flatMap(({ flags: form, formats, read }) => {
    const { name, key } = optionName(form);
    const value = flags[key];
    if (value === undefined) return [];
    if (formats.includes(format)) return [read(name, value as string)];
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: is an option of ${formats.join(', ')}, not of ${format}`);
  });
  return Object.assign({}, ...given) as object;
}

/** Options for a sample's unit. @throws GRADSIFT_ARGUMENT where the trainer decides and says another */
export function unitOptions(format: ExportFormat, unit: string | undefined): object {
  const own = TRAINERS[format].unit;
  if (unit === undefined || unit === own) return {};
  if (own === 'sample' && (unit === 'sequence' || unit === 'document')) return { samples: unit };
  const expected = own === 'sample' ? "'sequence' or 'document'" : `'${own}', which ${format} reads`;
  throw mismatch('GRADSIFT_ARGUMENT', '--unit', expected, unit);
}

/** `--to list`. */
export function trainerTable(style: Style): string {
  const rows = Object.entries(TRAINERS).map(([name, { writes, unit, needs }]) => {
    const own = FORMAT_OPTIONS.filter(({ formats }) => formats.includes(name as ExportFormat));
    return [name, writes, unit, needs, own.map(({ flags }) => optionName(flags).name).join(' ')];
  });
  const titles = ['--to', 'writes', 'weight of a', 'needs', 'options'];
  const lines = textTable(
    titles.map((title) => ({ title })),
    rows,
    style,
  );
  return `${lines.join('\n')}\n`;
}
