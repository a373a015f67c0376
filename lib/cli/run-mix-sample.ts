// `gradsift mix sample`, from options to an exit status.
import { existsSync } from 'node:fs';
import { GradsiftError, mismatch, requireInteger } from '../errors.js';
import { writeNpy } from '../gradients/write-npy.js';
import { formatCount, formatNumber } from '../report/format.js';
import type { DomainNumbers, DomainWeights } from '../reweighting/domains.js';
import type { DrawnSample } from '../reweighting/mixture-sampler.js';
import { loadMixture, MIXTURE_UNITS, mixtureWeights, type Mixture } from '../reweighting/mixture.js';
import { inUnit } from '../reweighting/units.js';
import { csvLine } from './csv.js';
import { EXIT } from './exit.js';
import { runJob } from './job.js';
import { readObject } from './json-input.js';
import { readDocumentOf, type DocumentOf } from './mix-documents.js';
import { readDraws, requireSame, startDraws, type Draws, type DrawSettings } from './mix-draws.js';
import { formatOf } from './mix-format.js';
import { readSources, withSources, type SourceFlags } from './mix-sources.js';
import { styleFor, textTable, type Style } from './text-table.js';
import { parseInteger, parseOneOf, parsePath } from './values.js';
import { writeLines } from './write-lines.js';

/** What commander hands over. */
export interface SampleFlags extends SourceFlags {
  readonly mixture: string;
  readonly count: string;
  readonly seed?: string;
  readonly sizes?: string;
  readonly clusters?: string;
  readonly replacement?: boolean;
  readonly blend?: string;
  readonly unit?: string;
  readonly state?: string;
  readonly format?: string;
  readonly out?: string;
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
}

const FORMATS = ['jsonl', 'csv', 'npy'] as const;
type Format = (typeof FORMATS)[number];
/** Samples that a .npy holds: its numbers are in memory at once. */
const MOST_NPY = 2 ** 27;

/** Samples of each domain: as told, or its documents. */
function sizesOf({ sizes, blend }: SampleFlags, { domains }: Mixture): DomainNumbers {
  if (sizes !== undefined) {
    const given = readObject('--sizes', sizes);
    for (const { name } of domains) requireInteger(`--sizes: ${name}`, given[name], 0, 2 ** 32 - 1);
    const strange = Object.keys(given).find((key) => !domains.some(({ name }) => name === key));
    if (strange !== undefined) throw mismatch('GRADSIFT_ARGUMENT', '--sizes', 'names of domains', strange);
    return given as DomainNumbers;
  }
  const known = domains.map(({ name, documents }) => [name, documents] as const);
  if (known.every(([, documents]) => documents !== undefined)) return Object.fromEntries(known) as DomainNumbers;
  // Megatron's order asks for no sizes: an index is a place in an endless list.
  if (blend === 'megatron') return Object.fromEntries(known.map(([name]) => [name, 2 ** 32 - 1]));
  throw new GradsiftError('GRADSIFT_ARGUMENT', '--sizes: expected the samples of each domain');
}

function prepare(flags: SampleFlags, mixture: Mixture, weights: DomainWeights): Draws {
  const { state: path, blend } = flags;
  const saved = path !== undefined && existsSync(path) ? readDraws(path) : undefined;
  const given: Partial<DrawSettings> = {
    ...(blend === undefined ? {} : { blend: parseOneOf('--blend', blend, ['random', 'megatron']) }),
    ...(flags.seed === undefined ? {} : { seed: parseInteger('--seed', flags.seed, 0) }),
    ...(flags.replacement === undefined ? {} : { replacement: flags.replacement }),
    ...(saved !== undefined && flags.sizes === undefined ? {} : { sizes: sizesOf(flags, mixture) }),
  };
  if (saved !== undefined) requireSame(saved.settings, { ...given, weights }, path as string);
  const settings = { blend: 'random' as const, seed: 0, replacement: false, ...saved?.settings, ...given };
  return startDraws({ ...settings, ...(settings.blend === 'megatron' ? { weights } : {}) } as DrawSettings, saved);
}

function* linesOf(samples: Iterable<DrawnSample>, format: Format, documentOf?: DocumentOf): Generator<string> {
  if (format === 'csv') yield csvLine(['domain', 'index', ...(documentOf ? ['document'] : [])]);
  for (const { domain, index } of samples) {
    const known = documentOf && { document: documentOf({ domain, index }) };
    const sample = { domain, index, ...known };
    yield format === 'csv' ? csvLine(Object.values(sample)) : `${JSON.stringify(sample)}\n`;
  }
}

/** [count][2 or 3]: the place of the domain in the record, the index there, and the document where it is known. */
function numbersOf(
  samples: Iterable<DrawnSample>,
  count: number,
  weights: DomainWeights,
  documentOf?: DocumentOf,
): BigInt64Array {
  const places = new Map(Object.keys(weights).map((name, place) => [name, BigInt(place)]));
  const numbers = new BigInt64Array(count * (documentOf ? 3 : 2));
  let at = 0;
  for (const sample of samples) {
    numbers[at++] = places.get(sample.domain) as bigint;
    numbers[at++] = BigInt(sample.index);
    if (documentOf) numbers[at++] = BigInt(documentOf(sample));
  }
  return numbers;
}

/** What to expect: draws and passes of each domain. */
function plan({ settings, taken }: Draws, weights: DomainWeights, count: number, style: Style): string {
  const { sizes, blend, seed, replacement } = settings;
  const right = 'right' as const;
  const titles = ['weight', 'samples', 'drawn', 'to draw', 'passes after'].map((title) => ({ title, align: right }));
  const rows = Object.entries(weights).map(([name, weight]) => {
    const [size, before] = [sizes[name] as number, taken[name] as number];
    const passes = size > 0 ? formatNumber((before + weight * count) / size, 3) : '-';
    const known = size === 2 ** 32 - 1 ? '-' : formatCount(size);
    return [name, weight.toFixed(6), known, formatCount(before), formatNumber(weight * count), passes];
  });
  const order = blend === 'megatron' ? 'in the order of Megatron-LM' : `seed ${seed}`;
  const again = blend === 'random' && replacement ? ', with replacement' : '';
  const lines = textTable([{ title: 'domain' }, ...titles], rows, style);
  return `${[...lines, '', `${formatCount(count)} samples, ${order}${again}`].join('\n')}\n`;
}

/** Runs the command. @returns the exit status */
export async function runMixSample(flags: SampleFlags): Promise<number> {
  const { out, state, quiet = false } = flags;
  const format = formatOf(flags, false, FORMATS);
  const count = parseInteger('--count', flags.count, 0);
  if (format === 'npy' && (out === undefined || count > MOST_NPY)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--format npy: expected --out, and a --count of at most ${MOST_NPY}`);
  }
  return runJob({ outputs: [out, state], inputs: [flags.mixture, flags.clusters], quiet }, async ({ signal, note }) => {
    const mixture = withSources(await loadMixture(parsePath('--mixture', flags.mixture)), readSources(flags));
    const unit = parseOneOf('--unit', flags.unit ?? mixture.unit, MIXTURE_UNITS);
    const weights = mixtureWeights(inUnit(mixture, unit));
    const { clusters } = flags;
    const documentOf = clusters === undefined ? undefined : await readDocumentOf(clusters, mixture, signal);
    const draws = prepare(flags, mixture, weights);
    if (flags.dryRun) {
      await writeLines(undefined, [plan(draws, weights, count, styleFor(process.stdout))], signal);
      return EXIT.ok;
    }
    const samples = draws.next(weights, count);
    if (format === 'npy') {
      const shape = [count, documentOf ? 3 : 2];
      await writeNpy(out as string, numbersOf(samples, count, weights, documentOf), shape, signal);
    } else await writeLines(out, linesOf(samples, format, documentOf), signal);
    if (out !== undefined) note(`${formatCount(count)} samples in ${out}`);
    // After the samples: whoever has the state has them.
    if (state !== undefined) await writeLines(state, [draws.text()], signal);
    return EXIT.ok;
  });
}
