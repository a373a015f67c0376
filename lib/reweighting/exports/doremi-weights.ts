// doremi (sangmichaelxie): a JSON file of domain weights for training and evaluation, read by name.
import { readWeights, type DomainWeights } from '../domains.js';
import { jsonText, type Exporter } from './exporter.js';

/** How doremi is told. */
export interface DoremiExportOptions {
  /** Weights of the domains in evaluation; default: the same. */
  readonly evaluation?: DomainWeights | undefined;
}

export const doremiWeights: Exporter<DoremiExportOptions> = {
  unit: () => 'sequence',
  write(domains, { evaluation }) {
    const train = Object.fromEntries(domains.map(({ name, weight }) => [name, weight]));
    if (evaluation !== undefined) readWeights('evaluation', evaluation, Object.keys(evaluation));
    return jsonText({ train_domain_weights: train, eval_domain_weights: evaluation ?? train });
  },
};
