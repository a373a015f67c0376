import type { GradsiftError } from '../errors.js';

/** What the exit status of the command means. */
export const EXIT = { ok: 0, usage: 2, outcome: 3, interrupted: 130 } as const;

/** Options of the library under the names that the command gives them. */
const FLAGS: Readonly<Record<string, string>> = {
  memoryBytes: '--memory',
  methods: '--method',
  preset: '--preset',
  solver: '--solver',
  side: '--side',
  layers: '--layers',
  exclude: '--exclude',
  fitOn: '--fit-on',
  saveCurvature: '--save-curvature',
  loadCurvature: '--load-curvature',
  workDir: '--work',
  gramPrecision: '--gram-precision',
  onNonFinite: '--on-non-finite',
  ...Object.fromEntries(
    // Those of gradsift cluster whose names are their flags.
    [
      'balance',
      'batch',
      'branching',
      'budget',
      'characters',
      'dimensions',
      'features',
      'generic',
      'iterations',
      'levels',
    ]
      .concat(['samples', 'target', 'texts', 'uncovered', 'words'])
      .map((name) => [name, `--${name}`]),
  ),
  maxEpochs: '--max-epochs',
  // Those of gradsift mix export.
  budgetTokens: '--budget',
  epochSamples: '--samples',
  form: '--form',
  valid: '--valid',
  test: '--test',
  stoppingStrategy: '--stopping-strategy',
  strategy: '--strategy',
  maxSourceFraction: '--max-source-fraction',
  blockSize: '--block-size',
  evaluation: '--evaluation',
};

/** The message with the names of options as the command has them: at its start, and as `name 'value'` within it. */
function withFlags(message: string): string {
  const flagOf = (name: string) => FLAGS[name] ?? name;
  return message.replace(/^\w+(?=:)/, flagOf).replace(/\b(\w+) '(\w+)'/g, (text, name: string, value: string) => {
    return name in FLAGS ? `${flagOf(name)} ${value}` : text;
  });
}

/** One line for people, without a stack: what was expected and what came. */
export function describe(error: unknown): string {
  const text = error instanceof Error || hasMessage(error) ? error.message : String(error);
  const line = text.replace(/\s*\n\s*/g, ' ').trim();
  // An error that is neither the caller's nor a file's is a bug of ours: say so, with what helps to find it.
  if (isGradsiftError(error)) return `gradsift: ${withFlags(line)}`;
  const stack = error instanceof Error ? (error.stack ?? '').split('\n').find((frame) => /^\s+at /.test(frame)) : '';
  return `gradsift: internal error, please report it: ${line}${stack ? ` (${stack.trim()})` : ''}`;
}

function hasMessage(error: unknown): error is { message: string } {
  return typeof error === 'object' && error !== null && typeof (error as { message?: unknown }).message === 'string';
}

/** By code: an error of another copy of the library is one too. */
export function isGradsiftError(error: unknown): error is GradsiftError {
  return hasMessage(error) && /^GRADSIFT_/.test(String((error as { code?: unknown }).code));
}
