// OLMo-core: sources with a target ratio of tokens, 0 < ratio <= 1.
import { requireNumber } from '../../errors.js';
import { pathOf, weightOf, type Exporter } from './exporter.js';
import { real, yamlText, type Real } from './yaml.js';

/** How OLMo-core is told. */
export interface OlmoCoreOptions {
  /** Most of a source's tokens that may be used, in (0, 1]; default: not said. */
  readonly maxSourceFraction?: number | undefined;
}

export const olmoCore: Exporter<OlmoCoreOptions> = {
  unit: () => 'token',
  write(domains, { maxSourceFraction }) {
    if (maxSourceFraction !== undefined) {
      requireNumber('maxSourceFraction', maxSourceFraction, 'a number in (0, 1]', (value) => value > 0 && value <= 1);
    }
    const sources = domains.map((domain) => ({
      source_name: domain.name,
      target_ratio: weightOf(domain),
      paths: [pathOf(domain)],
      // A ratio of repetition below 1 is refused there: a cap of less than one pass is a fraction of the source.
      ...(domain.cap === undefined ? {} : { max_repetition_ratio: real(Math.max(1, domain.cap)) }),
      ...fraction(domain.cap, maxSourceFraction),
    }));
    return yamlText({ sources });
  },
};

function fraction(cap = 1, most = 1): { max_source_fraction?: Real } {
  const least = Math.min(cap, most);
  return least < 1 && least > 0 ? { max_source_fraction: real(least) } : {};
}
