// The options of `gradsift mix learn` as text, and as checked values. Small files are read here, stores are not opened.
import { GradsiftError, mismatch } from '../errors.js';
import { readWeights, requireNames, type DomainNumbers } from '../reweighting/domains.js';
import { mixtureWeights, parseMixture } from '../reweighting/mixture.js';
import { fileList } from './file-list.js';
import { formatOf, MIX_FORMATS, type MixFormat } from './mix-format.js';
import { readItems, readObject } from './json-input.js';
import { RULE_NAMES, ruleOptions, type RuleName } from './mix-rule-options.js';
import { readSources, type SourceFlags, type Sources } from './mix-sources.js';
import { readState, type SavedState } from './mix-state.js';
import { given, parseBytes, parseInteger, parseList, parseOneOf, parsePath, parsePositive } from './values.js';

/** What commander hands over: text, undefined where an option was not given. Options of rules are beside these. */
export interface LearnFlags extends SourceFlags {
  readonly rule?: string;
  readonly log?: string;
  readonly gradients?: readonly string[];
  readonly domains?: string;
  readonly rowTokens?: string;
  readonly targetGradients?: readonly string[];
  readonly batchRow?: string;
  readonly layers?: readonly string[];
  readonly exclude?: readonly string[];
  readonly learningRate?: string;
  readonly initial?: string;
  readonly tokenizer?: string;
  readonly resume?: string;
  readonly propose?: string;
  readonly format?: string;
  readonly out?: string;
  readonly report?: string;
  readonly saveLog?: string;
  readonly saveState?: string;
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
  readonly memory?: string;
  readonly threads?: string;
}

/** What gradients are learned from. */
export interface GradientRequest {
  readonly files: readonly string[];
  /** The name of each row. */
  readonly rows: readonly string[];
  readonly rowTokens: readonly number[] | undefined;
  readonly targetFiles: readonly string[];
  readonly batchRow: string | undefined;
  readonly layers: readonly string[] | undefined;
  readonly exclude: readonly string[] | undefined;
  readonly memoryBytes: number | undefined;
  readonly threads: number | undefined;
}

export interface LearnRequest {
  /** null: what the log itself says. */
  readonly rule: RuleName | null;
  readonly options: Readonly<Record<string, unknown>>;
  readonly log: string | undefined;
  readonly gradients: GradientRequest | undefined;
  readonly domains: readonly string[] | undefined;
  /** One for all updates, or one for each. */
  readonly learningRates: readonly number[];
  readonly initial: DomainNumbers | undefined;
  readonly sources: Sources;
  readonly tokenizer: string | undefined;
  readonly resume: SavedState | undefined;
  /** How many mixtures to print, for RegMix. */
  readonly propose: number | undefined;
  readonly format: MixFormat;
  readonly out: string | undefined;
  readonly report: string | undefined;
  readonly saveLog: string | undefined;
  readonly saveState: string | undefined;
  readonly dryRun: boolean;
  readonly quiet: boolean;
  /** Files that are read. */
  readonly inputs: readonly string[];
}

function names(name: string, text: string): string[] {
  const list = readItems(name, text).map(String);
  if (list.every((item) => item !== '')) return list;
  throw mismatch('GRADSIFT_ARGUMENT', name, 'names that are not empty', '');
}

function numbers(name: string, text: string): number[] {
  return readItems(name, text).map((item) => parsePositive(name, String(item)));
}

/** Weights by name, or those of a mixture record. */
function readInitial(text: string): DomainNumbers {
  const weights = readObject('--initial', text);
  if ('schema' in weights) return mixtureWeights(parseMixture(JSON.stringify(weights), '--initial'));
  const keys = Object.keys(weights);
  requireNames('--initial', keys);
  readWeights('--initial', weights, keys);
  return weights as DomainNumbers;
}

function readGradients(flags: LearnFlags): GradientRequest | undefined {
  const { gradients, targetGradients = [], domains } = flags;
  if (gradients === undefined) {
    const lonely = (['targetGradients', 'rowTokens', 'batchRow', 'layers', 'exclude'] as const).find(
      (key) => flags[key] !== undefined,
    );
    if (lonely === undefined) return undefined;
    const name = lonely.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--${name}: expected --gradients beside it`);
  }
  if (domains === undefined) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', '--domains: expected the name of each row of --gradients');
  }
  const files = fileList('--gradients', gradients);
  const targetFiles = fileList('--target-gradients', targetGradients);
  if (targetFiles.length > 1 && targetFiles.length !== files.length) {
    const expected = `one file, or one for each of ${files.length}`;
    throw mismatch('GRADSIFT_ARGUMENT', '--target-gradients', expected, targetFiles.length);
  }
  const rows = names('--domains', domains);
  const rowTokens = given(flags.rowTokens, (text) => numbers('--row-tokens', text));
  if (rowTokens !== undefined && rowTokens.length !== rows.length) {
    throw mismatch('GRADSIFT_ARGUMENT', '--row-tokens', `one for each of ${rows.length} rows`, rowTokens.length);
  }
  return {
    files,
    rows,
    rowTokens,
    targetFiles,
    batchRow: flags.batchRow,
    layers: flags.layers,
    exclude: flags.exclude,
    memoryBytes: given(flags.memory, (text) => parseBytes('--memory', text)),
    threads: given(flags.threads, (text) => parseInteger('--threads', text, 1, 1024)),
  };
}

function readRates({ learningRate }: LearnFlags, updates: number | undefined): number[] {
  if (learningRate === undefined) return [];
  const rates = parseList('--learning-rate', learningRate).map((text) => parsePositive('--learning-rate', text));
  if (rates.length > 1 && rates.length !== updates) {
    const expected = updates === undefined ? 'one number' : `one number, or one for each of ${updates} updates`;
    throw mismatch('GRADSIFT_ARGUMENT', '--learning-rate', expected, rates.length);
  }
  return rates;
}

function readPropose(text: string | undefined, rule: RuleName | null): number | undefined {
  if (text === undefined || rule === 'regmix') return given(text, (count) => parseInteger('--propose', count, 1));
  throw new GradsiftError('GRADSIFT_ARGUMENT', `--propose: is an option of regmix, not of ${rule}`);
}

/** Checks every option. @throws GRADSIFT_ARGUMENT naming the option, GRADSIFT_FORMAT or GRADSIFT_IO naming a file */
export function parseLearnFlags(flags: LearnFlags, terminal: boolean): LearnRequest {
  if (flags.log !== undefined && flags.gradients !== undefined) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', '--log, --gradients: expected one of them, got both');
  }
  const resume = given(flags.resume, (path) => readState(parsePath('--resume', path)));
  const rule = given(flags.rule, (text) => parseOneOf('--rule', text, RULE_NAMES)) ?? resume?.rule ?? null;
  if (rule === null && flags.log === undefined) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--rule: expected one of ${RULE_NAMES.join(', ')}`);
  }
  if (resume !== undefined && rule !== resume.rule) {
    throw mismatch('GRADSIFT_ARGUMENT', '--rule', `${resume.rule}, as in ${flags.resume}`, rule);
  }
  const gradients = readGradients(flags);
  const sources = readSources(flags);
  const format = formatOf(flags, terminal, MIX_FORMATS);
  if (flags.dryRun && format === 'csv') {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--format: expected table or json with --dry-run, got ${format}`);
  }
  return {
    rule,
    options: { ...resume?.options, ...(rule === null ? {} : ruleOptions(rule, { ...flags })) },
    log: given(flags.log, (path) => parsePath('--log', path)),
    gradients,
    domains: gradients ? undefined : given(flags.domains, (text) => names('--domains', text)),
    learningRates: readRates(flags, gradients?.files.length),
    initial: given(flags.initial, readInitial),
    sources,
    tokenizer: flags.tokenizer,
    resume,
    propose: readPropose(flags.propose, rule),
    format,
    out: given(flags.out, (path) => parsePath('--out', path)),
    report: given(flags.report, (path) => parsePath('--report', path)),
    saveLog: given(flags.saveLog, (path) => parsePath('--save-log', path)),
    saveState: given(flags.saveState, (path) => parsePath('--save-state', path)),
    dryRun: flags.dryRun ?? false,
    quiet: flags.quiet ?? false,
    inputs: [flags.log, ...(gradients?.files ?? []), ...(gradients?.targetFiles ?? [])].filter((p) => p !== undefined),
  };
}
