// The options of `gradsift influence` as text, and as checked values. No file is opened here.
import { GradsiftError } from '../errors.js';
import { METHODS, SOLVERS, type InfluenceOptions } from '../influence/options.js';
import { PRESETS, type PresetName } from '../influence/presets.js';
import { given, parseBytes, parseInteger, parseList, parseOneOf, parsePath, parsePositive } from './values.js';

/** What commander hands over: text, undefined where an option was not given. */
export interface InfluenceFlags {
  readonly train: string;
  readonly val: string;
  readonly fitOn?: string;
  readonly layers?: readonly string[];
  readonly exclude?: readonly string[];
  readonly ids?: string;
  readonly onNonFinite?: string;
  readonly method?: string;
  readonly preset?: string;
  readonly solver?: string;
  readonly damping?: string;
  readonly dampingRatio?: string;
  readonly side?: string;
  readonly gramPrecision?: string;
  readonly queries?: string;
  readonly convention?: string;
  readonly saveCurvature?: string;
  readonly loadCurvature?: string;
  readonly top?: string;
  readonly format?: string;
  readonly out?: string;
  readonly report?: string;
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
  readonly memory?: string;
  readonly threads?: string;
  readonly work?: string;
}

export const FORMATS = ['json', 'ndjson', 'csv', 'table'] as const;
export type Format = (typeof FORMATS)[number];

/** Everything but the stores, the ids and what only a running job has. */
export type InfluenceSettings = Omit<InfluenceOptions, 'train' | 'val' | 'fitOn' | 'ids' | 'signal' | 'onProgress'>;

export interface InfluenceRequest {
  readonly train: string;
  readonly val: string;
  readonly fitOn: string | undefined;
  readonly layers: readonly string[] | undefined;
  readonly exclude: readonly string[] | undefined;
  readonly ids: string | undefined;
  readonly settings: InfluenceSettings;
  readonly top: number | undefined;
  readonly format: Format;
  readonly out: string | undefined;
  readonly report: string | undefined;
  readonly dryRun: boolean;
  readonly quiet: boolean;
}

const ENDINGS: readonly (readonly [RegExp, Format])[] = [
  [/\.(ndjson|jsonl)$/i, 'ndjson'],
  [/\.csv$/i, 'csv'],
  [/\.txt$/i, 'table'],
];

function formatOf(flags: InfluenceFlags, terminal: boolean): Format {
  if (flags.format !== undefined) return parseOneOf('--format', flags.format, FORMATS);
  const { out } = flags;
  if (out !== undefined) return ENDINGS.find(([ending]) => ending.test(out))?.[1] ?? 'json';
  return terminal ? 'table' : 'json';
}

function exclusive(flags: InfluenceFlags, a: keyof InfluenceFlags, b: keyof InfluenceFlags): void {
  if (flags[a] === undefined || flags[b] === undefined) return;
  const [first, second] = [a, b].map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  throw new GradsiftError('GRADSIFT_ARGUMENT', `${first}, ${second}: expected one of them, got both`);
}

function settingsOf(flags: InfluenceFlags): InfluenceSettings {
  return {
    methods: given(flags.method, (text) =>
      parseList('--method', text).map((each) => parseOneOf('--method', each, METHODS)),
    ),
    preset: given(flags.preset, (text) => parseOneOf('--preset', text, Object.keys(PRESETS) as PresetName[])),
    solver: given(flags.solver, (text) => parseOneOf('--solver', text, SOLVERS)),
    damping: given(flags.damping, (text) => parsePositive('--damping', text)),
    dampingRatio: given(flags.dampingRatio, (text) => parsePositive('--damping-ratio', text)),
    side: given(flags.side, (text) => parseOneOf('--side', text, ['columns', 'rows'])),
    gramPrecision: given(flags.gramPrecision, (text) => parseOneOf('--gram-precision', text, ['f64', 'f32'])),
    queries: given(flags.queries, (text) => parseOneOf('--queries', text, ['mean', 'each'])),
    convention: given(flags.convention, (text) => parseOneOf('--convention', text, ['loss-derivative', 'proponent'])),
    onNonFinite: given(flags.onNonFinite, (text) => parseOneOf('--on-non-finite', text, ['error', 'skip'])),
    saveCurvature: given(flags.saveCurvature, (text) => parsePath('--save-curvature', text)),
    loadCurvature: given(flags.loadCurvature, (text) => parsePath('--load-curvature', text)),
    workDir: given(flags.work, (text) => parsePath('--work', text)),
    memoryBytes: given(flags.memory, (text) => parseBytes('--memory', text)),
    threads: given(flags.threads, (text) => parseInteger('--threads', text, 1, 1024)),
  };
}

/** Checks every option. @throws GRADSIFT_ARGUMENT naming the option, what was expected and what came */
export function parseInfluenceFlags(flags: InfluenceFlags, terminal: boolean): InfluenceRequest {
  exclusive(flags, 'damping', 'dampingRatio');
  exclusive(flags, 'saveCurvature', 'loadCurvature');
  exclusive(flags, 'preset', 'solver');
  const format = formatOf(flags, terminal);
  if (flags.dryRun && format !== 'table' && format !== 'json') {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--format: expected table or json with --dry-run, got ${format}`);
  }
  return {
    train: parsePath('--train', flags.train),
    val: parsePath('--val', flags.val),
    fitOn: given(flags.fitOn, (text) => parsePath('--fit-on', text)),
    layers: flags.layers,
    exclude: flags.exclude,
    ids: given(flags.ids, (text) => parsePath('--ids', text)),
    settings: settingsOf(flags),
    top: given(flags.top, (text) => parseInteger('--top', text, 1)),
    format,
    out: given(flags.out, (text) => parsePath('--out', text)),
    report: given(flags.report, (text) => parsePath('--report', text)),
    dryRun: flags.dryRun ?? false,
    quiet: flags.quiet ?? false,
  };
}
