// LLaMA-Factory: names of datasets and probabilities as comma lists, in one order.
import { mismatch, requireOneOf } from '../../errors.js';
import { sampleUnit, type Exporter, type SampleOptions } from './exporter.js';
import { yamlText } from './yaml.js';

/** How LLaMA-Factory is told. */
export interface LlamaFactoryOptions extends SampleOptions {
  /** Whether the shortest dataset ends an epoch ('interleave_under', default) or the longest. */
  readonly strategy?: 'interleave_under' | 'interleave_over' | undefined;
}

export const llamaFactory: Exporter<LlamaFactoryOptions> = {
  unit: sampleUnit,
  write(domains, { strategy = 'interleave_under' }) {
    requireOneOf('strategy', strategy, ['interleave_under', 'interleave_over']);
    const comma = domains.find(({ name }) => name.includes(','));
    if (comma) throw mismatch('GRADSIFT_ARGUMENT', 'domains', 'names without a comma', comma.name);
    return yamlText({
      dataset: domains.map(({ name }) => name).join(','),
      mix_strategy: strategy,
      interleave_probs: domains.map(({ weight }) => weight).join(','),
    });
  },
};
