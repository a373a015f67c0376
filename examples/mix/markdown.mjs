// The results as a page of Markdown.
import { answers, preface } from './answers.mjs';
import { DOMAINS } from './domains.mjs';
import { TUNING } from './experiments.mjs';
import { seedsOf } from './results.mjs';
import { tables } from './table.mjs';

/** Tables and conclusions as a page of Markdown, with where they come from. */
export function markdownPage(collected) {
  const { machine, seconds, date, commits, version, settings, manifest } = collected;
  const { models, steps, batch } = settings;
  const size = ({ layers, width }) => `${layers} layers of width ${width}`;
  return `# What \`npm run example:mix\` found

${preface(collected)}

${answers(collected)
  .map(({ question, answers: list }) => [`**${question}**`, '', ...list.map((text) => `- ${text}`), ''].join('\n'))
  .join('\n')}
Text: files of the packages in node_modules (${DOMAINS.join(', ')}), lock file ${manifest.lock.slice(0, 16)}.
Base model: GPT on bytes, ${size(models.base)}, ${steps.base} steps of ${batch} windows of ${manifest.context}
bytes; proxies ${size(models.proxy)}, ${steps.proxy} steps. Learning rates are the same for all.
CRISP is as published, without smoothing or a cap on repetition.

Step sizes: ${TUNING}.

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
