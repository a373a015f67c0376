// Levanter: weights by name, or stages of them.
import { mismatch, requireInteger } from '../../errors.js';
import type { Mixture, MixtureDomain } from '../mixture.js';
import { inUnit } from '../units.js';
import { weightOf, type Exporter } from './exporter.js';
import { yamlText, type YamlValue } from './yaml.js';

/** How Levanter is told. */
export interface LevanterOptions {
  /** Later stages: the sequence at which each begins, ascending multiples of blockSize, and its weights from there. */
  readonly stages?: readonly { readonly start: number; readonly mixture: Mixture }[] | undefined;
  /** Levanter's mixture block size, in sequences; default 2048. */
  readonly blockSize?: number | undefined;
}

const weights = (domains: readonly MixtureDomain[]) =>
  Object.fromEntries(domains.filter(({ weight }) => weight > 0).map((domain) => [domain.name, weightOf(domain)]));

export const levanter: Exporter<LevanterOptions> = {
  unit: () => 'sequence',
  write(domains, { stages, blockSize = 2048 }) {
    if (stages === undefined) return yamlText({ data: { train_weights: weights(domains) } });
    requireInteger('blockSize', blockSize, 1);
    let last = 0;
    const later = stages.map(({ start, mixture }, index): YamlValue => {
      requireInteger(`stages[${index}].start`, start, last + 1);
      last = start;
      if (start % blockSize === 0) return [start, weights(inUnit(mixture, 'sequence').domains)];
      throw mismatch('GRADSIFT_ARGUMENT', `stages[${index}].start`, `a multiple of blockSize ${blockSize}`, start);
    });
    return yamlText({ data: { train_weights: [[0, weights(domains)], ...later] } });
  },
};
