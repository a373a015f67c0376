// RegMix's training configuration: weights by name, with the prefixes of its data files.
import { requireNames } from '../domains.js';
import { weightOf, type Exporter } from './exporter.js';
import { real, yamlText } from './yaml.js';

/** How RegMix's trainer is told. */
export interface RegmixExportOptions {
  /** Names of validation sets; default: those of the domains. */
  readonly valid?: readonly string[] | undefined;
}

export const regmixConfig: Exporter<RegmixExportOptions> = {
  unit: () => 'sequence',
  write(domains, { valid = domains.map(({ name }) => name) }) {
    requireNames('valid', valid);
    return yamlText({
      train: Object.fromEntries(domains.map((domain) => [`train_${domain.name}`, weightOf(domain)])),
      valid: Object.fromEntries(valid.map((name) => [`valid_${name}`, real(1)])),
    });
  },
};
