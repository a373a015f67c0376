// What the tables say: every word follows from the numbers.
import { SPECIALITY, TARGET } from './experiments.mjs';
import { runsOf, seedsOf } from './results.mjs';
import { lowest, paired, rise, spread } from './statistics.mjs';
import { difference } from './table.mjs';

const PLACES = {
  universal: 'all domains alike',
  ood: `${TARGET}, which the mix lacks`,
  little: `${SPECIALITY}, little generic text`,
  tiny: `${SPECIALITY}, a handful of windows known`,
};
const WORDS = { lower: 'yes', higher: 'no, it is worse', neither: 'not shown' };

/** [question, [experiment, a, b]: does a beat b?] */
const QUESTIONS = [
  [
    'Does DoGE beat uniform?',
    ['universal', 'DoGE', 'uniform'],
    ['universal', 'DoGE', 'DoReMi'],
    ['universal', 'DoReMi', 'uniform'],
    ['universal', 'proportional', 'uniform'],
    ['ood', 'DoGE', 'uniform'],
  ],
  [
    'Does DGA beat uniform on the target?',
    ['ood', 'DGA', 'uniform'],
    ['ood', 'DGA', 'DoGE'],
    ['little', 'DGA', 'uniform'],
    ['tiny', 'DGA', 'uniform'],
  ],
  [
    'Does CRISP beat uniform on the target?',
    ['little', 'CRISP', 'uniform'],
    ['tiny', 'CRISP', 'uniform'],
    ['tiny', 'CRISP, coarse', 'uniform'],
    ['tiny', 'CRISP, coarse', 'DGA'],
  ],
  [
    'Do they beat what needs no method?',
    ['ood', 'DGA', 'target added'],
    ['ood', 'DoGE', 'target added'],
    ['ood', 'DGA', 'target only'],
  ],
];

function beats(collected, [experiment, a, b]) {
  const found = paired(collected, experiment, a, b);
  return `${PLACES[experiment]}: ${a} against ${b}: ${WORDS[found.verdict]} (${difference(found)})`;
}

function overfitting(collected, experiment) {
  const of = (method, number) => spread(runsOf(collected, experiment, method), number);
  const { verdict } = paired(collected, experiment, 'DGA', 'CRISP', rise);
  const lows = ['uniform', 'CRISP', 'DGA'].map((method) => `${of(method, lowest)} with ${method}`);
  return (
    `${PLACES[experiment]}: ${WORDS[verdict]}; the test loss ends above its own lowest point by ${of('CRISP', rise)} ` +
    `with CRISP, by ${of('DGA', rise)} with DGA; the lowest points are ${lows.join(', ')}`
  );
}

/** Questions and their answers: [{ question, answers }]; none of a run that is not the full one. */
export function answers(collected) {
  if (collected.scale !== 'full') return [];
  return [
    ...QUESTIONS.map(([question, ...pairs]) => ({ question, answers: pairs.map((pair) => beats(collected, pair)) })),
    {
      question: 'Does DGA avoid the overfitting of importance sampling?',
      answers: ['little', 'tiny'].map((experiment) => overfitting(collected, experiment)),
    },
  ];
}

/** How to read the answers, or why there are none. */
export function preface(collected) {
  const seeds = seedsOf(collected).length;
  if (collected.scale !== 'full')
    return `A ${collected.scale} run of ${seeds} seed shows the mechanics and claims nothing.`;
  return (
    `In brackets: difference of the test losses in bits a byte, mean of ${seeds} seeds in pairs \u00b1 half of its ` +
    '95 % interval (Student\u2019s t); below 0 is better. "Not shown": the interval holds 0.'
  );
}
