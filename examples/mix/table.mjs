// The tables, and what they say: every sentence follows from the numbers.
import { mean } from 'gradsift/report';
import { DOMAINS } from './domains.mjs';
import { SPECIALITY, TARGET } from './experiments.mjs';
import { methodsOf, runsOf, seedsOf } from './results.mjs';
import { outcome, paired, rise, spread, trainingLoss } from './statistics.mjs';

export const TITLES = {
  universal: 'All domains alike: DoGE against uniform, proportional and DoReMi',
  ood: `A domain that the mix lacks (${TARGET}): DoGE and DGA`,
  little: `A speciality (${SPECIALITY}), little generic text: CRISP and DGA`,
  tiny: `A speciality (${SPECIALITY}), of which a handful of windows is known: CRISP and DGA`,
};

const signed = (value, digits = 3) => `${value < 0 ? '\u2212' : '+'}${Math.abs(value).toFixed(digits)}`;
const difference = ({ mean: centre, half }) =>
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

const WORDS = { lower: 'beats', higher: 'loses to', neither: 'is not told apart from' };

function against(collected, experiment, a, b) {
  const found = paired(collected, experiment, a, b);
  return `${a} ${WORDS[found.verdict]} ${b} (${difference(found)} bits a byte)`;
}

function overfitting(collected, experiment) {
  const rises = (method) => spread(runsOf(collected, experiment, method), rise, 3);
  const found = paired(collected, experiment, 'DGA', 'CRISP', rise);
  const says = {
    lower: 'DGA avoids what CRISP loses',
    higher: 'DGA overfits more than CRISP',
    neither: 'a difference between the two is not shown',
  }[found.verdict];
  return `At the end CRISP's test loss lies ${rises('CRISP')} above its own lowest, DGA's ${rises('DGA')}: ${says}.`;
}

/** What the numbers say, a sentence each. */
export function conclusions(collected) {
  const seeds = seedsOf(collected).length;
  const { scale } = collected;
  if (scale !== 'full') return [`A ${scale} run of ${seeds} seed shows the mechanics and claims nothing.`];
  const say = (experiment, pairs) => pairs.map(([a, b]) => against(collected, experiment, a, b)).join('; ');
  const others = (experiment) => methodsOf(collected, experiment).filter((method) => method !== 'uniform');
  const beside = (experiment) => others(experiment).map((method) => [method, 'uniform']);
  const special = (experiment) => say(experiment, [...beside(experiment), ['DGA', 'CRISP']]);
  return [
    `Differences are means over ${seeds} seeds, in pairs of a seed, with 95 % intervals; less is better.`,
    `All domains alike: ${say('universal', [...beside('universal'), ['DoGE', 'DoReMi']])}.`,
    `Target ${TARGET}: ${say('ood', [...beside('ood'), ['DGA', 'target added']])}.`,
    `Little generic text: ${special('little')}. ${overfitting(collected, 'little')}`,
    `Tiny set: ${special('tiny')}. ${overfitting(collected, 'tiny')}`,
  ];
}

/** Tables and conclusions as a page of Markdown, with where they come from. */
export function markdownPage(collected) {
  const { machine, seconds, date, commits, version, settings, manifest } = collected;
  const { models, steps, batch } = settings;
  const size = ({ layers, width }) => `${layers} layers of width ${width}`;
  return `# What \`npm run example:mix\` found

${conclusions(collected)
  .map((sentence) => `- ${sentence}`)
  .join('\n')}

Text: files of the packages in node_modules (${DOMAINS.join(', ')}), lock file ${manifest.lock.slice(0, 16)}.
Base model: GPT on bytes, ${size(models.base)}, ${steps.base} steps of ${batch} windows of ${manifest.context}
bytes; proxies ${size(models.proxy)}, ${steps.proxy} steps. Learning rates are the same for all.

Mean \u00b1 sd over seeds ${seedsOf(collected).join(', ')}. "beside uniform": mean difference in pairs of a seed \u00b1
half of its 95 % interval (Student's t). "training": loss of the last batches, bits/byte. "above lowest": how far the
test loss ended above its lowest point. "times seen": how often a training window was seen, on average over those that
were. bits/byte and perplexity (of a byte) are of text that nobody trained on.

${tables(collected, true)}

## Where and when

${machine.cpu}, ${machine.cores} cores, ${machine.memory} GiB, ${machine.isa}, Node ${machine.node};
${date}, gradsift ${[version, ...commits.map((name) => `commit ${name}`)].join(', ')};
${Math.round(seconds.wall / 60)} minutes (${Math.round(seconds.jobs / 60)} of all jobs together, two at a time). All
numbers: \`examples/mix/results.json\`.
`;
}
