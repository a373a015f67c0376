// nanotron: folders and weights, side by side.
import { pathOf, weightOf, type Exporter } from './exporter.js';
import { yamlText } from './yaml.js';

export const nanotron: Exporter<object> = {
  unit: () => 'sequence',
  write: (domains) => yamlText({ dataset_folder: domains.map(pathOf), dataset_weights: domains.map(weightOf) }),
};
