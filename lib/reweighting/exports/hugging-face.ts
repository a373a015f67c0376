// Hugging Face datasets: interleave_datasets, as Python. Probabilities are in the order of the list.
import { requireInteger, requireOneOf } from '../../errors.js';
import { pathOf, sampleUnit, type Exporter, type SampleOptions } from './exporter.js';
import { realText } from './yaml.js';

const STRATEGIES = ['first_exhausted', 'all_exhausted', 'all_exhausted_without_replacement'] as const;

/** How Hugging Face datasets is told. */
export interface HuggingFaceOptions extends SampleOptions {
  /** Default 0. */
  readonly seed?: number | undefined;
  /** Default 'first_exhausted'. */
  readonly stoppingStrategy?: (typeof STRATEGIES)[number] | undefined;
  /** Split of every dataset; default 'train'. */
  readonly split?: string | undefined;
}

export const huggingFace: Exporter<HuggingFaceOptions> = {
  unit: sampleUnit,
  write(domains, { seed = 0, stoppingStrategy = 'first_exhausted', split = 'train' }) {
    requireInteger('seed', seed, 0);
    requireOneOf('stoppingStrategy', stoppingStrategy, STRATEGIES);
    // JSON strings are Python strings.
    const datasets = domains.map((domain) => `    ${JSON.stringify(pathOf(domain))},  # ${oneLine(domain.name)}`);
    const probabilities = domains.map(({ weight }) => `    ${realText(weight)},`);
    return [
      'from datasets import interleave_datasets, load_dataset',
      '',
      'paths = [',
      ...datasets,
      ']',
      'probabilities = [',
      ...probabilities,
      ']',
      'mixture = interleave_datasets(',
      `    [load_dataset(path, split=${JSON.stringify(split)}) for path in paths],`,
      '    probabilities=probabilities,',
      `    seed=${seed},`,
      `    stopping_strategy=${JSON.stringify(stoppingStrategy)},`,
      ')',
      '',
    ].join('\n');
  },
};

/** A name in a comment: nothing in it may end the line. */
const oneLine = (name: string) => JSON.stringify(name).slice(1, -1);
