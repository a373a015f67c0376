// The tables.
import { mean } from 'gradsift/report';
import { DOMAINS } from './domains.mjs';
import { SPECIALITY, TARGET } from './experiments.mjs';
import { methodsOf, runsOf } from './results.mjs';
import { outcome, paired, rise, spread, trainingLoss } from './statistics.mjs';

export const TITLES = {
  universal: 'All domains alike: DoGE against uniform, proportional and DoReMi',
  ood: `A domain that the mix lacks (${TARGET}): DoGE and DGA`,
  little: `A speciality (${SPECIALITY}), little generic text: CRISP and DGA`,
  tiny: `A speciality (${SPECIALITY}), of which a handful of windows is known: CRISP and DGA`,
};

const signed = (value, digits = 3) => `${value < 0 ? '\u2212' : '+'}${Math.abs(value).toFixed(digits)}`;
/** a - b of {@link paired}, with half of its interval. */
export const difference = ({ mean: centre, half }) =>
  Number.isFinite(half) ? `${signed(centre)} \u00b1 ${half.toFixed(3)}` : signed(centre);

const beside = (collected, experiment) => [
  'beside uniform',
  (runs) => (runs[0].method === 'uniform' ? '' : difference(paired(collected, experiment, runs[0].method, 'uniform'))),
];
const perplexityOf = (title, nats) => [title, (runs) => spread(runs, (run) => Math.exp(nats(run)), 2)];
const bitsOf = [['bits/byte', (runs) => spread(runs, outcome)]];

/** The tables of an experiment: columns [title, of the runs of a method]. */
function columns(collected, experiment) {
  if (experiment === 'universal') {
    const all = perplexityOf('mean perplexity', ({ tests }) => mean(Object.values(tests)));
    const each = DOMAINS.map((domain) => perplexityOf(domain, ({ tests }) => tests[domain]));
    return [[...bitsOf, beside(collected, experiment), all], each];
  }
  return [
    [
      ...bitsOf,
      beside(collected, experiment),
      perplexityOf('perplexity', ({ tests }) => tests[experiment === 'ood' ? TARGET : SPECIALITY]),
      ['training', (runs) => spread(runs, trainingLoss, 2)],
      ['above lowest', (runs) => spread(runs, rise)],
      ['times seen', (runs) => mean(runs.map(({ repeats }) => repeats)).toFixed(1)],
    ],
  ];
}

/** The tables of an experiment: { header, rows }. */
export function tablesOf(collected, experiment) {
  return columns(collected, experiment).map((wanted) => ({
    header: ['mixture', ...wanted.map(([title]) => title)],
    rows: methodsOf(collected, experiment).map((method) => {
      const runs = runsOf(collected, experiment, method);
      return [method, ...wanted.map(([, cell]) => cell(runs))];
    }),
  }));
}

function aligned({ header, rows }, markdown) {
  const widths = header.map((_, k) => Math.max(...[header, ...rows].map((row) => row[k].length)));
  const pad = (row) => row.map((text, k) => (k === 0 ? text.padEnd(widths[k]) : text.padStart(widths[k])));
  if (!markdown) return [header, ...rows].map((row) => pad(row).join('   ')).join('\n');
  const rule = widths.map((width, k) => (k === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [pad(header), rule, ...rows.map(pad)].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** All tables for the terminal, or as Markdown. */
export function tables(collected, markdown = false) {
  return Object.keys(TITLES)
    .flatMap((experiment) => [
      `${markdown ? '## ' : ''}${TITLES[experiment]}`,
      ...tablesOf(collected, experiment).map((table) => aligned(table, markdown)),
    ])
    .join('\n\n');
}
