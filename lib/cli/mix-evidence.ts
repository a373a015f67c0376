// Where the updates of a rule come from: the lines of a log, or one gradient store a step.
import { GradsiftError, mismatch } from '../errors.js';
import { openGradients } from '../gradients/open-gradients.js';
import type { GradientStore, InputRecord } from '../gradients/store.js';
import { alignments, type Alignments } from '../reweighting/alignments.js';
import type { DomainNumbers } from '../reweighting/domains.js';
import type { MixLog, MixLogStep } from '../reweighting/mix-log.js';
import type { GradientRequest } from './mix-learn-flags.js';
import type { AnyRule } from './mix-rules.js';
import { stepsInNames } from './file-list.js';

/** A step to learn from, and where it stands, for messages. */
export interface LearnStep extends MixLogStep {
  readonly where: string;
}

/** The steps of a log; a learning rate for lines that have none. */
export function logSteps(log: MixLog, path: string, [learningRate]: readonly number[]): LearnStep[] {
  return log.steps.map(({ line, evidence, ...step }) => ({
    ...step,
    evidence: evidence && (learningRate === undefined ? evidence : { learningRate, ...evidence }),
    where: `${path}, line ${line}`,
  }));
}

/** The names that evidence is about: of its first record by domain. */
export function namesIn(evidence: object | undefined): string[] {
  const { gram, alignment, excessLoss, loss, mixture, sweeps } = (evidence ?? {}) as Record<string, unknown>;
  const first = Array.isArray(sweeps) ? (sweeps[0] as { mixture?: unknown } | undefined)?.mixture : undefined;
  const record = [gram, alignment, excessLoss, mixture, first, loss].find((each) => typeof each === 'object' && each);
  return Object.keys(record ?? {});
}

/** Rows that are no domain: the target, the tasks, the training step. */
export function asideRows(rule: AnyRule, { rows, targetFiles, batchRow }: GradientRequest, options: object): string[] {
  const named = new Set(rows);
  if (rule.needs === 'alignment') {
    if (targetFiles.length > 0) return [];
    if (rule.target !== undefined && named.has(rule.target)) return [rule.target];
    const expected = 'the gradients of the target, or --target with the name of its rows among --domains';
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--target-gradients: expected ${expected}`);
  }
  if (targetFiles.length > 0) {
    const hint = rule.name === 'doge' ? ' (with --target NAME)' : '';
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--target-gradients: expected a rule with a target${hint}`);
  }
  if (rule.needs === 'gram') return [];
  if (rule.needs !== 'tasks') {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--gradients: ${rule.name} learns from losses: expected --log`);
  }
  const { tasks } = options as { tasks: readonly string[] };
  for (const name of [...tasks, batchRow]) {
    if (name === undefined || !named.has(name)) {
      const missing = name ?? 'that of --batch-row';
      throw mismatch('GRADSIFT_ARGUMENT', '--domains', `a row for each task and for the training step`, missing);
    }
  }
  return [...tasks, batchRow as string];
}

/** One update from one store. */
export interface StoreJob {
  readonly file: string;
  readonly target: string | undefined;
  readonly step: number;
  readonly learningRate: number | undefined;
}

export function storeJobs(
  { files, targetFiles }: GradientRequest,
  rates: readonly number[],
  after: number,
): StoreJob[] {
  const named = stepsInNames(files);
  return files.map((file, index) => ({
    file,
    target: targetFiles.length > 1 ? targetFiles[index] : targetFiles[0],
    step: named?.[index] ?? after + index + 1,
    learningRate: rates.length > 1 ? rates[index] : rates[0],
  }));
}

/** Opens the stores of a job, and closes them when the work is done. */
export async function withJobStores<T>(
  { file, target }: StoreJob,
  { layers, exclude }: GradientRequest,
  work: (store: GradientStore, target: GradientStore | undefined) => Promise<T>,
): Promise<T> {
  const store = await openGradients(file, { layers, exclude });
  try {
    const other = target === undefined ? undefined : await openGradients(target, { layers, exclude });
    try {
      return await work(store, other);
    } finally {
      await other?.close();
    }
  } finally {
    await store.close();
  }
}

/** Takes the products of one store. */
export async function storeStep(
  job: StoreJob,
  request: GradientRequest,
  rule: AnyRule,
  aside: readonly string[],
  running: { signal: AbortSignal; onLayer: ((layer: string) => void) | undefined },
): Promise<{ step: LearnStep; inputs: readonly InputRecord[] }> {
  const { rows, rowTokens, memoryBytes, threads } = request;
  const { signal, onLayer } = running;
  return withJobStores(job, request, async (gradients, target) => {
    if (gradients.samples !== rows.length) {
      const expected = `the names of ${gradients.samples} rows, as ${job.file} has`;
      throw mismatch('GRADSIFT_ARGUMENT', '--domains', expected, rows.length);
    }
    const found = await alignments({
      gradients,
      rows,
      tokens: rowTokens,
      target,
      memoryBytes,
      threads,
      signal,
      onProgress: onLayer && (({ layer }) => onLayer(layer)),
    });
    const { learningRate, step, file } = job;
    const evidence = { learningRate, ...evidenceOf(found, rule, aside) };
    return { step: { step, evidence: withoutHoles(evidence), where: file }, inputs: found.inputs };
  });
}

const withoutHoles = (object: object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** Products by domain, as the rule wants them; `aside` are the rows of the target, or the tasks and then the step. */
function evidenceOf({ alignment, norms, targetNorm, gram = {} }: Alignments, rule: AnyRule, aside: readonly string[]) {
  const others = new Set(aside);
  const own = (record: DomainNumbers) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => !others.has(name)));
  if (rule.needs === 'gram') return { gram };
  if (rule.needs === 'alignment') {
    if (alignment !== undefined) return { alignment, norms, targetNorm };
    const [target] = aside as [string];
    return { alignment: own(gram[target] as DomainNumbers), norms: own(norms), targetNorm: norms[target] };
  }
  const tasks = aside.slice(0, -1);
  const step = gram[aside.at(-1) as string] as DomainNumbers;
  const withTasks = (row: DomainNumbers) => Object.fromEntries(tasks.map((task) => [task, row[task] as number]));
  return {
    alignment: Object.fromEntries(
      Object.entries(gram)
        .filter(([name]) => !others.has(name))
        .map(([name, row]) => [name, withTasks(row)]),
    ),
    taskProgress: withTasks(step),
  };
}
