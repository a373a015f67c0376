// GRAPE (Fan et al., arXiv 2505.20380): DoGE's online relative for several target tasks, weighted by how slowly each
// improves, so that the worst task decides.
//
//     z_n     = normalise(z_n exp(-eta_z <grad log l_n, g_batch>)),  then (1 - eps_z) z + eps_z / N
//     alpha_i = normalise(alpha_i exp(eta <g_i, sum_n z_n grad log l_n>))
//
// grad log l_n = g_n / l_n: tasks are compared by relative improvement. The paper writes eta = gamma / mu_alpha (1.5)
// and eta_z = gamma / mu_z (10). Older code of the authors has `mu_train` as a divisor, newer code as a factor, so the
// option here is the step size itself.
import { mismatch, requireInteger, requireNumber } from '../errors.js';
import {
  byName,
  readAllNumbers,
  requireKnownNames,
  requireNames,
  requireSimplex,
  type DomainNumbers,
  type DomainWeights,
} from './domains.js';
import {
  currentWeights,
  finish,
  firstState,
  requirePositive,
  requireState,
  requireWeightOptions,
  type Reweighter,
  type ReweighterState,
  type WeightOptions,
} from './reweighter.js';
import { exponentiatedGradient, smooth } from './simplex.js';

/** Options of {@link grape}. */
export interface GrapeOptions extends WeightOptions {
  /** Names of the target tasks. A task may have the name of a domain: its validation set. */
  readonly tasks: readonly string[];
  /** eta > 0; default 1.5. */
  readonly stepSize?: number | undefined;
  /** eta_z > 0; default 10. */
  readonly taskStepSize?: number | undefined;
  /** eps_z in [0, 1); default 0.001. */
  readonly taskSmoothing?: number | undefined;
  /** Training steps between updates, >= 1; default 100. */
  readonly period?: number | undefined;
}

/** What one alignment step gives to {@link grape}. */
export interface GrapeEvidence {
  /** <g_i, grad log l_n>, by domain, then by task. A domain left out scores 0. */
  readonly alignment: Readonly<Record<string, DomainNumbers>>;
  /** <grad log l_n, g_batch> by task, where g_batch is the gradient of the training step. */
  readonly taskProgress: DomainNumbers;
}

/** State of {@link grape}. */
export interface GrapeState extends ReweighterState {
  readonly tasks: readonly string[];
  /** z, in the order of the tasks. */
  readonly taskWeights: readonly number[];
}

/** {@link grape} as a rule, with the weights of its tasks. */
export interface Grape extends Reweighter<GrapeState, GrapeEvidence> {
  taskWeights(state: GrapeState): DomainWeights;
}

/**
 * GRAPE as a rule: `weights` are what the next steps draw domains by, and `learned` is the same.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function grape(options: GrapeOptions): Grape {
  requireWeightOptions(options);
  const { tasks, stepSize = 1.5, taskStepSize = 10, taskSmoothing = 0.001, period = 100 } = options;
  requireNames('tasks', tasks);
  requirePositive('stepSize', stepSize);
  requirePositive('taskStepSize', taskStepSize);
  requireNumber('taskSmoothing', taskSmoothing, 'a number in [0, 1)', (value) => value >= 0 && value < 1);
  requireInteger('period', period, 1);
  const check = (state: GrapeState) => {
    requireState('grape', state);
    requireTaskWeights(state);
  };
  return {
    name: 'grape',
    period,
    needs: 'tasks',
    init: (domains, initial) => ({
      ...firstState('grape', domains, initial, options),
      tasks: [...tasks],
      taskWeights: tasks.map(() => 1 / tasks.length),
    }),
    check,
    update(state, evidence) {
      check(state);
      const progress = readAllNumbers('taskProgress', evidence.taskProgress, state.tasks);
      const slowness = progress.map((value) => -taskStepSize * value);
      const taskWeights = smooth(exponentiatedGradient(state.taskWeights, slowness), taskSmoothing);
      const gains = alignments(state, evidence).map((row) =>
        row.reduce((sum, value, n) => sum + stepSize * (taskWeights[n] as number) * value, 0),
      );
      const weights = finish(exponentiatedGradient(state.weights, gains), state.domains, options);
      return { ...state, step: state.step + 1, weights, taskWeights };
    },
    weights: currentWeights,
    learned: currentWeights,
    taskWeights: (state) => byName(state.tasks, state.taskWeights),
  };
}

function requireTaskWeights({ tasks, taskWeights }: GrapeState): void {
  requireNames('state.tasks', tasks);
  if (!(Array.isArray(taskWeights) && taskWeights.length === tasks.length)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'state.taskWeights', 'a weight for each task', taskWeights);
  }
  requireSimplex('state.taskWeights', taskWeights);
}

/** A row a domain, a column a task. */
function alignments({ domains, tasks }: GrapeState, { alignment }: GrapeEvidence): number[][] {
  requireKnownNames('alignment', alignment, domains);
  return domains.map((name) => {
    const row = Object.hasOwn(alignment, name) ? alignment[name] : undefined;
    return row === undefined ? tasks.map(() => 0) : readAllNumbers(`alignment.${name}`, row, tasks);
  });
}
