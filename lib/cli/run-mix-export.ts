// `gradsift mix export`, from options to an exit status.
import { GradsiftError, mismatch, requireNumber } from '../errors.js';
import { formatCount, formatNumber } from '../report/format.js';
import { apportion } from '../reweighting/apportion.js';
import { planEpochs, type CappedDomain } from '../reweighting/epochs.js';
import { EXPORT_FORMATS, exportMixture, type MixtureExport } from '../reweighting/export-mixture.js';
import { loadMixture, mixtureText, mixtureWeights, sealed, type Mixture } from '../reweighting/mixture.js';
import { inUnit } from '../reweighting/units.js';
import { EXIT } from './exit.js';
import { readObject } from './json-input.js';
import { runJob } from './job.js';
import { formatOptions, trainerTable, unitOptions } from './mix-formats.js';
import { readSources, withSources, type SourceFlags } from './mix-sources.js';
import { plainStyle, styleFor, textTable, type Style } from './text-table.js';
import { parseInteger, parseOneOf, parsePath, parsePositive } from './values.js';
import { writeLines } from './write-lines.js';

/** What commander hands over; options of trainers are beside these. */
export interface ExportFlags extends SourceFlags {
  readonly to: string;
  readonly mixture?: string;
  readonly unit?: string;
  readonly samples?: string;
  readonly budget?: string;
  readonly maxEpochs?: string;
  readonly stage?: readonly string[];
  readonly saveMixture?: string;
  readonly out?: string;
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
}

/** The record with caps on epochs: one for all, or by domain. */
function withCaps(mixture: Mixture, maxEpochs: string | undefined): Mixture {
  if (maxEpochs === undefined) return mixture;
  const all = Number.isNaN(Number(maxEpochs)) ? undefined : parsePositive('--max-epochs', maxEpochs);
  const caps = all === undefined ? readObject('--max-epochs', maxEpochs) : {};
  const known = new Set(mixture.domains.map(({ name }) => name));
  for (const [name, cap] of Object.entries(caps)) {
    if (!known.has(name)) throw mismatch('GRADSIFT_ARGUMENT', '--max-epochs', 'names of domains', name);
    requireNumber(`--max-epochs: ${name}`, cap, 'a number >= 0', (value) => value >= 0);
  }
  const domains = mixture.domains.map((domain) => {
    const cap = all ?? (caps[domain.name] as number | undefined) ?? domain.cap;
    return cap === undefined ? domain : { ...domain, cap };
  });
  return sealed({ ...mixture, domains });
}

interface Planned {
  readonly mixture: Mixture;
  readonly capped: readonly CappedDomain[];
}

/** Epochs and caps of a budget. */
function planned(mixture: Mixture, { budget, maxEpochs }: ExportFlags): Planned {
  if (budget === undefined) {
    if (maxEpochs === undefined) return { mixture, capped: [] };
    throw new GradsiftError('GRADSIFT_ARGUMENT', '--max-epochs: expected --budget with the tokens of the run');
  }
  const tokens = parsePositive('--budget', budget);
  return planEpochs(inUnit(withCaps(mixture, maxEpochs), 'token'), tokens);
}

/** `2048=later.json`: where a stage begins, and its mixture. */
async function readStages(stages: readonly string[], to: string) {
  if (to !== 'levanter')
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--stage: is an option of levanter, not of ${to}`);
  const read = stages.map(async (text) => {
    const [, start, path] = /^(\d+)=(.+)$/.exec(text) ?? [];
    if (start === undefined) throw mismatch('GRADSIFT_ARGUMENT', '--stage', 'START=FILE', text);
    return { start: parseInteger('--stage', start, 1), mixture: await loadMixture(path as string) };
  });
  return { stages: await Promise.all(read) };
}

interface Outcome extends Planned {
  readonly exported: MixtureExport;
  /** The weights in the unit of the trainer. */
  readonly weights: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>> | undefined;
}

async function prepare(flags: ExportFlags): Promise<Outcome> {
  const format = parseOneOf('--to', flags.to, EXPORT_FORMATS);
  if (flags.mixture === undefined) throw new GradsiftError('GRADSIFT_ARGUMENT', '--mixture: expected a record');
  const samples = flags.samples === undefined ? undefined : parseInteger('--samples', flags.samples, 1);
  const options = {
    ...unitOptions(format, flags.unit),
    ...(format === 'streaming' && samples !== undefined ? { form: 'choose', epochSamples: samples } : {}),
    ...formatOptions(format, { ...flags }),
    ...(flags.stage === undefined ? {} : await readStages(flags.stage, format)),
  };
  const loaded = await loadMixture(parsePath('--mixture', flags.mixture));
  const plan = planned(withSources(loaded, readSources(flags)), flags);
  const exported = exportMixture(plan.mixture, format, options);
  const weights = mixtureWeights(inUnit(plan.mixture, exported.unit));
  return { ...plan, exported, weights, counts: samples === undefined ? undefined : apportion(weights, samples) };
}

/** The change, domain by domain. */
function outcomeTable({ mixture, weights, counts, capped, exported }: Outcome, style: Style): string {
  const before = new Map(capped.map(({ name, from }) => [name, from]));
  const epochs = mixture.domains.some((domain) => domain.epochs !== undefined);
  const right = 'right' as const;
  const titles = [
    mixture.unit,
    ...(exported.unit === mixture.unit ? [] : [exported.unit]),
    ...(epochs ? ['epochs'] : []),
    ...(counts ? ['samples'] : []),
  ];
  const rows = mixture.domains.map(({ name, weight, epochs: passes }) => [
    name,
    weight.toFixed(6),
    ...(exported.unit === mixture.unit ? [] : [(weights[name] as number).toFixed(6)]),
    ...(epochs ? [passes === undefined ? '-' : formatNumber(passes)] : []),
    ...(counts ? [formatCount(counts[name] as number)] : []),
    before.has(name) ? `at its cap, from ${(before.get(name) as number).toFixed(6)}` : weight === 0 ? 'left out' : '',
  ]);
  const columns = [{ title: 'domain' }, ...titles.map((title) => ({ title, align: right })), { title: '' }];
  return `${textTable(columns, rows, style).join('\n')}\n`;
}

/** Runs the command. @returns the exit status */
export async function runMixExport(flags: ExportFlags): Promise<number> {
  const { out, saveMixture, mixture, quiet = false } = flags;
  return runJob({ outputs: [out, saveMixture], inputs: [mixture], quiet }, async ({ signal, note }) => {
    if (flags.to === 'list') {
      await writeLines(undefined, [trainerTable(styleFor(process.stdout))], signal);
      return EXIT.ok;
    }
    const outcome = await prepare(flags);
    const { capped, exported, counts } = outcome;
    if (flags.dryRun) {
      await writeLines(undefined, [outcomeTable(outcome, styleFor(process.stdout))], signal);
      return EXIT.ok;
    }
    await writeLines(out, [exported.text], signal);
    if (saveMixture !== undefined) await writeLines(saveMixture, [mixtureText(outcome.mixture)], signal);
    if (!quiet && (capped.length > 0 || counts !== undefined)) process.stderr.write(outcomeTable(outcome, plainStyle));
    if (exported.dropped.length > 0) note(`left out, having no weight: ${exported.dropped.join(', ')}`);
    if (out !== undefined) note(`${exported.format}, weights of ${exported.unit}s, in ${out}`);
    if (saveMixture !== undefined) note(`mixture in ${saveMixture}`);
    return EXIT.ok;
  });
}
