// The rules of domain weights and their options, as `gradsift mix learn` names them. No rule is loaded here.
import { GradsiftError, mismatch } from '../errors.js';
import { readObject } from './json-input.js';
import { parseInteger, parseList, parseNumber, parsePositive } from './values.js';

export const RULE_NAMES = [
  'doge',
  'dga',
  'grape',
  'doremi',
  'odm',
  'aioli',
  'regmix',
  'uniform',
  'proportional',
  'temperature',
] as const;
export type RuleName = (typeof RULE_NAMES)[number];

interface RuleOption {
  readonly flags: string;
  readonly help: string;
  readonly rules: readonly RuleName[];
  /** Its name in the library. */
  readonly key: string;
  readonly read: (name: string, text: string, rule: RuleName) => unknown;
}

const asText = (_: string, text: string) => text;
const asCount = (name: string, text: string) => parseInteger(name, text, 0);
/** One number, or an object with a number for each domain. */
const asBound = (name: string, text: string) =>
  Number.isNaN(Number(text)) ? readObject(name, text) : parsePositive(name, text);

function asPair(name: string, text: string): [number, number] {
  const numbers = parseList(name, text).map((part) => parseNumber(name, part));
  if (numbers.length !== 2) throw mismatch('GRADSIFT_ARGUMENT', name, 'two numbers with a comma between', text);
  return numbers as [number, number];
}

function asAverage(name: string, text: string, rule: RuleName): unknown {
  const [share, apart, ...more] = parseList(name, text);
  const valid = more.length === 0 && (apart === undefined || (apart === 'apart' && rule === 'dga'));
  if (!valid) throw mismatch('GRADSIFT_ARGUMENT', name, "a share; for dga also 'SHARE,apart'", text);
  const beta = parsePositive(name, share as string);
  return rule === 'dga' ? { beta, feedBack: apart === undefined } : beta;
}

/** Rules that move on the simplex: smoothing and bounds are theirs. */
const MOVING: readonly RuleName[] = ['doge', 'dga', 'grape', 'doremi', 'odm', 'aioli'];

const row = (
  flags: string,
  rules: RuleOption['rules'],
  key: string,
  read: RuleOption['read'],
  help: string,
): RuleOption => ({ flags, rules, key, read, help });

export const RULE_OPTIONS: readonly RuleOption[] = [
  row(
    '--target <name>',
    ['doge', 'dga'],
    'target',
    (_, name, rule) => (rule === 'doge' ? { name } : name),
    'what the domains are aligned with (doge without one: universal)',
  ),
  row('--variant <name>', ['doge', 'odm'], 'variant', asText, 'doge: paper, official; odm: exp3, smoothed'),
  row(
    '--step-size <x>',
    ['doge', 'dga', 'grape', 'doremi', 'aioli'],
    'stepSize',
    parsePositive,
    'eta (default: dga 1, grape 1.5, doremi 1, aioli 0.2; doge: learning rate / mu)',
  ),
  row('--mu <x>', ['doge'], 'mu', parsePositive, 'the step size is learning rate / mu (default: 0.05)'),
  row(
    '--score-norm <name>',
    ['doge', 'dga'],
    'scoreNorm',
    asText,
    'none, cosine; doge: meanNorm; dga: maxAbs (default: none; doge official: meanNorm)',
  ),
  row(
    '--clip <low,high>',
    ['doge', 'dga'],
    'clip',
    (name, text) => (text === 'none' ? null : asPair(name, text)),
    'bounds of the scores, or none (default: none; doge official: 0,5)',
  ),
  row('--clip-norm <x>', ['doge'], 'perDomainClipNorm', parsePositive, 'clip each gradient to this norm'),
  row('--without-self', ['doge'], 'selfTerm', () => false, 'universal: leave out the product of a domain with itself'),
  row('--absent <name>', ['doge', 'dga', 'doremi'], 'absent', asText, 'a domain without evidence: stale, zero, skip'),
  row('--smoothing <x>', MOVING, 'smoothing', parsePositive, 'share of uniform weights mixed in after each update'),
  row('--floor <x|json>', MOVING, 'floor', asBound, 'least weight, of every domain or by name'),
  row('--cap <x|json>', MOVING, 'cap', asBound, 'most weight, of every domain or by name'),
  row(
    '--ema <share>',
    ['dga', 'aioli'],
    'ema',
    asAverage,
    'share of the new in a moving average; dga: SHARE,apart updates the raw weights',
  ),
  row('--burn-in <n>', ['doge'], 'burnIn', asCount, 'updates left out of the mean (default: 0)'),
  row('--initial-excess <x>', ['doremi'], 'initialExcess', parsePositive, 'before a first batch, nats (default: 0)'),
  row('--reward-scale <x>', ['odm'], 'rewardScale', parsePositive, 'divides the loss (default: 10)'),
  row('--decay <x>', ['odm'], 'decay', parsePositive, 'smoothed: share of the old (default: 0.9)'),
  row('--form <name>', ['odm'], 'form', asText, 'exponential, linear (default: exponential)'),
  row('--warm-up <n>', ['odm'], 'warmUp', asCount, 'updates that only gather rewards (default: 0)'),
  row('--tasks <names>', ['grape'], 'tasks', parseList, 'the target tasks, with commas'),
  row('--task-step-size <x>', ['grape'], 'taskStepSize', parsePositive, 'eta_z (default: 10)'),
  row('--task-smoothing <x>', ['grape'], 'taskSmoothing', parsePositive, 'share of uniform task weights (0.001)'),
  row('--seed <n>', ['regmix'], 'seed', asCount, 'of the random mixtures (default: 0)'),
  row('--degree <name>', ['regmix'], 'degree', asText, 'linear, quadratic (default: quadratic)'),
  row('--ridge <x>', ['regmix'], 'ridge', parsePositive, 'penalty on squared coefficients (default: 0)'),
  row('--strength <low,high>', ['regmix'], 'strength', asPair, 'Dirichlet strengths (default: 0.1,15)'),
  row('--temperature <x>', ['temperature'], 'temperature', parsePositive, 'weights go by size^(1 / temperature)'),
];

/** `--step-size <x>`: its long name, and the key under which commander has its text. */
export function optionName(flags: string): { readonly name: string; readonly key: string } {
  const name = flags.split(' ')[0] as string;
  return { name, key: name.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()) };
}

/** What was given of a rule's options. @throws GRADSIFT_ARGUMENT for an option that the rule has not */
export function ruleOptions(
  rule: RuleName,
  flags: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const given = RULE_OPTIONS.flatMap(({ flags: form, rules, key, read }) => {
    const option = optionName(form);
    const value = flags[option.key];
    if (value === undefined) return [];
    if (rules.includes(rule)) return [[key, read(option.name, value as string, rule)]];
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${option.name}: is an option of ${rules.join(', ')}, not of ${rule}`);
  });
  return Object.fromEntries(given) as Readonly<Record<string, unknown>>;
}
