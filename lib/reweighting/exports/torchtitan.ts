// torchtitan (b5bcd76c6): a mixture is Python, in the configuration of the run.
import { mismatch } from '../../errors.js';
import type { MixtureDomain } from '../mixture.js';
import { pathOf, sampleUnit, type Exporter, type SampleOptions } from './exporter.js';
import { realText } from './yaml.js';

/** How torchtitan is told. */
export interface TorchtitanOptions extends SampleOptions {
  /** The Python expression of a domain's dataset; default: its path as a string. */
  readonly dataset?: ((domain: MixtureDomain) => string) | undefined;
}

export const torchtitan: Exporter<TorchtitanOptions> = {
  unit: sampleUnit,
  write(domains, { dataset = (domain) => JSON.stringify(pathOf(domain)) }) {
    if (typeof dataset !== 'function') throw mismatch('GRADSIFT_ARGUMENT', 'dataset', 'a function', dataset);
    // The order seeds the children: it is the record's, and a mixture that adds a domain at the end keeps the rest.
    const children = domains.map(
      (domain) => `        WeightedDataset(dataset=${dataset(domain)}, weight=${realText(domain.weight)}),`,
    );
    return ['DatasetMixConfig(', '    datasets=(', ...children, '    ),', ')', ''].join('\n');
  },
};
