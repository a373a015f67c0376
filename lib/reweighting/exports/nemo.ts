// NeMo and Megatron-Bridge: the same blend as Megatron-LM, as a list.
import { requireOneOf } from '../../errors.js';
import { pathOf, weightOf, type Exporter } from './exporter.js';
import { yamlText } from './yaml.js';

/** How NeMo is told. */
export interface NemoOptions {
  /** 'data_prefix' (default): weights and prefixes in turn. 'blend': Megatron-Bridge's pair of prefixes and weights. */
  readonly form?: 'data_prefix' | 'blend' | undefined;
}

export const nemo: Exporter<NemoOptions> = {
  unit: () => 'sequence',
  write(domains, { form = 'data_prefix' }) {
    requireOneOf('form', form, ['data_prefix', 'blend']);
    if (form === 'blend') return yamlText({ blend: [domains.map(pathOf), domains.map(weightOf)] });
    return yamlText({ data_prefix: domains.flatMap((domain) => [weightOf(domain), pathOf(domain)]) });
  },
};
