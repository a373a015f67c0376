// Megatron-Energon: a metadataset file beside the datasets.
import { GradsiftError, requireOneOf } from '../../errors.js';
import { pathOf, sampleUnit, weightOf, type Exporter, type SampleOptions } from './exporter.js';
import { real, yamlText } from './yaml.js';

/** How Megatron-Energon is told. */
export interface EnergonOptions extends SampleOptions {
  /** 'blend' (default): by weight. 'blend_epochized': by whole passes, from the record's epochs. */
  readonly form?: 'blend' | 'blend_epochized' | undefined;
}

export const energon: Exporter<EnergonOptions> = {
  unit: sampleUnit,
  write(domains, { form = 'blend' }) {
    requireOneOf('form', form, ['blend', 'blend_epochized']);
    const blend = domains.map((domain) => {
      const path = pathOf(domain);
      if (form === 'blend') return { weight: weightOf(domain), path };
      const { name, epochs } = domain;
      if (epochs !== undefined) return { repetitions: real(epochs), path };
      throw new GradsiftError(
        'GRADSIFT_ARGUMENT',
        `mixture: the domain ${name} has no epochs: planEpochs(mixture, ...)`,
      );
    });
    return yamlText({
      __module__: 'megatron.energon',
      __class__: 'MetadatasetV2',
      splits: { train: { [form]: blend } },
    });
  },
};
