// What `gradsift mix learn` does between its options and its files: evidence in, weights out.
import { GradsiftError } from '../errors.js';
import { openInputFile } from '../gradients/input-file.js';
import type { InputRecord } from '../gradients/store.js';
import type { DomainWeights } from '../reweighting/domains.js';
import { readMixLog, type MixLog, type MixLogStep } from '../reweighting/mix-log.js';
import { createMixture, type Mixture } from '../reweighting/mixture.js';
import type { Regmix, RegmixState } from '../reweighting/regmix.js';
import type { ReweighterState } from '../reweighting/reweighter.js';
import type { Job } from './job.js';
import { asideRows, logSteps, namesIn, storeJobs, storeStep, type LearnStep } from './mix-evidence.js';
import type { LearnRequest } from './mix-learn-flags.js';
import type { RuleName } from './mix-rule-options.js';
import type { SavedState } from './mix-state.js';
import { makeRule, withFlags, type AnyRule } from './mix-rules.js';
import { requireDomains } from './mix-sources.js';
import { stepsInNames } from './file-list.js';

/** What a run has learned. */
export interface Learned {
  readonly mixture: Mixture;
  readonly before: DomainWeights;
  /** The weights before, then the steps. */
  readonly steps: readonly MixLogStep[];
  readonly stepName: string;
  readonly target: string | null;
  /** Where the rule stopped; undefined where a log's own weights were taken. */
  readonly saved: { readonly options: object; readonly step: number; readonly state: ReweighterState } | undefined;
  readonly inputs: readonly InputRecord[];
  readonly warnings: readonly string[];
}

/** The rule of a request over its domains, before any update. */
export interface Lesson {
  readonly rule: AnyRule;
  readonly options: Readonly<Record<string, unknown>>;
  /** Rows of gradients that are no domain. */
  readonly aside: readonly string[];
  readonly state: ReweighterState;
  /** The last step that the state has seen. */
  readonly start: number;
}

const evenly = (domains: readonly string[]) => Object.fromEntries(domains.map((name) => [name, 1 / domains.length]));

/** Reads the log of a request, where it has one. */
export async function readLog({ log }: LearnRequest): Promise<MixLog | undefined> {
  return log === undefined ? undefined : readMixLog(log);
}

/** The rule, its domains and its first state. @throws GRADSIFT_ARGUMENT naming the option */
export function prepare(request: LearnRequest & { readonly rule: RuleName }, log: MixLog | undefined): Lesson {
  const { rule: name, resume, gradients, initial } = request;
  const options = { ...request.options, ...targetOf(request, log), ...sizesOf(request) };
  const rule = makeRule(name, options);
  const aside = gradients ? asideRows(rule, gradients, options) : [];
  const state = resume
    ? resumed(rule, resume)
    : withFlags(name, () => rule.init(domainsOf(request, log, aside), initial));
  return { rule, options, aside, state, start: resume?.step ?? 0 };
}

/** @throws GRADSIFT_FORMAT for a state that is none of the rule's */
function resumed(rule: AnyRule, { path, state }: SavedState): ReweighterState {
  try {
    rule.check(state);
    return state;
  } catch (error) {
    throw new GradsiftError('GRADSIFT_FORMAT', `--resume: ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** RegMix: mixtures number 0 .. count - 1 of the seed, for the runs that the law is fitted to. */
export function* proposals(request: LearnRequest & { readonly rule: RuleName }, count: number): Generator<string> {
  const { rule, state } = prepare(request, undefined);
  const regmix = rule as unknown as Regmix;
  for (let n = 0; n < count; ++n) yield `${JSON.stringify({ n, mixture: regmix.mixture(state as RegmixState, n) })}\n`;
}

/** A log knows its target. */
function targetOf({ rule, options }: LearnRequest, log: MixLog | undefined): object {
  const name = log?.header?.target ?? undefined;
  if (name === undefined || options.target !== undefined) return {};
  return rule === 'doge' ? { target: { name } } : rule === 'dga' ? { target: name } : {};
}

function sizesOf({ rule, options, sources }: LearnRequest): object {
  if (rule !== 'proportional' && rule !== 'temperature') return {};
  const sizes = Object.entries(sources).flatMap(([name, { tokens }]) => (tokens === undefined ? [] : [[name, tokens]]));
  if (sizes.length > 0) return { sizes: Object.fromEntries(sizes) as DomainWeights };
  if (options.sizes !== undefined) return {};
  throw new GradsiftError('GRADSIFT_ARGUMENT', '--tokens: expected the tokens of each domain');
}

/** The domains: as told, or those of the rows, of the log, of the first weights, of the sizes. */
function domainsOf(request: LearnRequest, log: MixLog | undefined, aside: readonly string[]): string[] {
  const { gradients, domains, initial, sources } = request;
  if (gradients) return [...new Set(gradients.rows)].filter((name) => !aside.includes(name));
  const first = log?.steps.find(({ evidence }) => evidence)?.evidence;
  const told = domains ?? log?.header?.domains ?? (initial && Object.keys(initial));
  const found = [told ?? [], namesIn(first), Object.keys(sources)].find((names) => names.length > 0);
  if (found !== undefined) return [...found];
  throw new GradsiftError('GRADSIFT_ARGUMENT', '--domains: expected the names of the domains');
}

function mixtureOf(request: LearnRequest, method: string, weights: DomainWeights, step: number | null): Mixture {
  const { tokenizer, sources } = request;
  requireDomains(sources, Object.keys(weights));
  return createMixture({ method, weights, step, tokenizer, sources });
}

/** Without a rule: the weights that the log itself has. */
async function recorded(request: LearnRequest, log: MixLog, path: string): Promise<Learned> {
  const last = log.steps.findLast(({ weights, learned }) => weights ?? learned);
  const weights = last?.learned ?? last?.weights;
  if (weights === undefined) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--rule: expected one, since ${path} has no weights of its own`);
  }
  const updates = log.steps.filter(({ evidence }) => evidence !== undefined).length;
  const before = request.initial ?? evenly(Object.keys(weights));
  return {
    mixture: mixtureOf(request, log.header?.rule ?? 'recorded', weights, updates),
    before,
    steps: [{ step: 0, weights: before }, ...log.steps],
    stepName: 'training steps',
    target: log.header?.target ?? null,
    saved: undefined,
    inputs: [await recordOf(path)],
    warnings: [],
  };
}

async function recordOf(path: string): Promise<InputRecord> {
  const file = await openInputFile(path);
  try {
    return await file.record();
  } finally {
    await file.close();
  }
}

/** Updates a rule, step by step. */
interface Course {
  readonly steps: MixLogStep[];
  /** Domains that evidence was about. */
  readonly seen: Set<string>;
  state: ReweighterState;
  passedOver: number;
}

/** @throws what the update throws, saying where its evidence stands */
function take(course: Course, { rule }: Lesson, { where, ...step }: LearnStep): void {
  if (step.evidence !== undefined) {
    try {
      course.state = rule.update(course.state, step.evidence);
    } catch (error) {
      if (!(error instanceof GradsiftError)) throw error;
      throw new GradsiftError(error.code, `${where}: ${error.message}`, { cause: error });
    }
    namesIn(step.evidence).forEach((name) => course.seen.add(name));
  }
  // The weights of RegMix are a random mixture to try next.
  const weights = rule.needs === 'run' ? {} : { weights: rule.weights(course.state) };
  course.steps.push({ ...step, ...weights });
}

/** Runs the rule over the evidence of a request. @throws GRADSIFT_... saying where the evidence stands */
export async function learn(request: LearnRequest, job: Job): Promise<Learned> {
  const { log: path, rule: name, resume, gradients, initial } = request;
  const log = await readLog(request);
  if (name === null) return recorded(request, log as MixLog, path as string);
  const lesson = prepare({ ...request, rule: name }, log);
  const { rule, options, state, start } = lesson;
  const before = resume ? rule.learned(state) : (initial ?? evenly(state.domains));
  const course: Course = { steps: [{ step: start, weights: before }], seen: new Set(), state, passedOver: 0 };
  const inputs: InputRecord[] = path === undefined ? [] : [await recordOf(path)];
  for (const step of log ? logSteps(log, path as string, request.learningRates) : []) {
    if (resume && step.step <= start) ++course.passedOver;
    else take(course, lesson, step);
  }
  if (gradients) inputs.push(...(await learnFromStores(request, lesson, course, job)));
  if (course.passedOver > 0) job.note(`${course.passedOver} steps up to step ${start} are in the state already`);
  if (rule.needs !== 'nothing' && course.state.step === 0) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--log, --gradients: expected evidence for ${name}, got none`);
  }
  const learned = rule.learned(course.state);
  const last = course.steps.at(-1) as MixLogStep;
  const named = gradients === undefined || stepsInNames(gradients.files) !== null;
  return {
    mixture: mixtureOf(request, name, learned, rule.needs === 'nothing' ? null : course.state.step),
    before,
    steps: [...course.steps.slice(0, -1), { ...last, learned }],
    stepName: named ? 'training steps' : 'updates',
    target: rule.target ?? null,
    saved: { options, step: last.step, state: course.state },
    inputs,
    warnings: warningsOf(rule, course, learned, before),
  };
}

async function learnFromStores(
  { gradients, learningRates, resume }: LearnRequest,
  lesson: Lesson,
  course: Course,
  { startBar, signal }: Job,
): Promise<InputRecord[]> {
  const inputs = new Map<string, InputRecord>();
  if (gradients === undefined) return [];
  const jobs = storeJobs(gradients, learningRates, lesson.start);
  const bar = await startBar();
  for (const [index, each] of jobs.entries()) {
    if (resume && each.step <= lesson.start) {
      ++course.passedOver;
      continue;
    }
    const onLayer = bar && ((layer: string) => bar.update(index / jobs.length, `${each.file} ${layer}`));
    const found = await storeStep(each, gradients, lesson.rule, lesson.aside, { signal, onLayer });
    take(course, lesson, found.step);
    for (const record of found.inputs) inputs.set(record.path, record);
  }
  bar?.stop();
  return [...inputs.values()];
}

/** From here on a mixture is one domain. */
const COLLAPSED = 0.99;
/** Names in one warning. */
const NAMED = 3;

/** What is worth a look in the numbers of a rule. */
function warningsOf(rule: AnyRule, { state, seen }: Course, weights: DomainWeights, before: DomainWeights): string[] {
  const learned = Object.entries(weights);
  const [heaviest, weight] = learned.reduce((most, each) => (each[1] > most[1] ? each : most));
  const silent = learned.map(([name]) => name).filter((name) => !seen.has(name));
  const found: string[] = [];
  // RegMix averages the best of many mixtures: one domain is then a finding, not a collapse.
  const stepwise = rule.needs !== 'run' && rule.needs !== 'nothing';
  if (stepwise && learned.length > 1 && weight > COLLAPSED && !((before[heaviest] ?? 0) > COLLAPSED)) {
    const advice = 'a smaller step size, --smoothing or --cap would keep the others';
    found.push(`${rule.name}: ${heaviest} has ${weight.toFixed(4)} of the weight; ${advice}`);
  }
  if (seen.size > 0 && silent.length > 0) {
    const more = silent.length > NAMED ? `, and ${silent.length - NAMED} more` : '';
    found.push(`${rule.name}: no evidence of ${silent.slice(0, NAMED).join(', ')}${more}`);
  }
  if (rule.needs === 'run' && (rule as unknown as Regmix).law(state as RegmixState) === null) {
    found.push('regmix: too few runs for a law: the weights are the first ones still');
  }
  return found;
}
