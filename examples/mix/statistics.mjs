// Numbers over seeds. Methods of one seed share weights, data and order, so that they are compared in pairs.
import { mean, standardDeviation } from 'gradsift/report';
import { SPECIALITY, TARGET } from './experiments.mjs';
import { runsOf } from './results.mjs';

/** Two-sided 95 % points of Student's t for 1, 2, ... degrees of freedom. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

const bits = (nats) => nats / Math.LN2;

/** What an experiment is about, in bits a byte: the mean over all domains, or the loss of the target. */
export function outcome({ experiment, tests }) {
  if (experiment === 'universal') return bits(mean(Object.values(tests)));
  return bits(tests[experiment === 'ood' ? TARGET : SPECIALITY]);
}

/** The same of a point of a run's curve. */
export const outcomeAt = (experiment, point) => outcome({ experiment, tests: point.tests });

/** The lowest test loss on the way, in bits a byte: where a run that watches it would stop. */
export const lowest = ({ experiment, curve }) => Math.min(...curve.map((point) => outcomeAt(experiment, point)));

/** How far the test loss ended above its lowest point, in bits a byte: what was lost to overfitting. */
export const rise = (run) => outcomeAt(run.experiment, run.curve.at(-1)) - lowest(run);

/** Mean loss of the last batches, in bits a byte. */
export const trainingLoss = ({ curve }) => bits(curve.at(-1).train);

/** mean +- sd of a number of the runs; the number itself of one. */
export function spread(runs, number, digits = 3) {
  const values = runs.map(number);
  const centre = mean(values).toFixed(digits);
  return values.length > 1 ? `${centre} \u00b1 ${standardDeviation(values).toFixed(digits)}` : centre;
}

/**
 * a - b, in pairs of a seed: mean, 95 % interval, and what it says: 'lower', 'higher', or 'neither' when the interval
 * holds 0 (or there is one seed).
 */
export function paired(collected, experiment, a, b, number = outcome) {
  const others = new Map(runsOf(collected, experiment, b).map((run) => [run.seed, number(run)]));
  const differences = runsOf(collected, experiment, a).map((run) => number(run) - others.get(run.seed));
  const centre = mean(differences);
  const n = differences.length;
  const half = n < 2 ? Infinity : (STUDENT[n - 2] * standardDeviation(differences)) / Math.sqrt(n);
  const verdict = centre + half < 0 ? 'lower' : centre - half > 0 ? 'higher' : 'neither';
  return { differences, mean: centre, half, verdict };
}
