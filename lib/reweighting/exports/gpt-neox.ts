// GPT-NeoX, and ODM's fork of it: paths and weights, side by side. Its JSON-like files are read as YAML 1.1, to which
// the 1e-7 of JSON is a string: so this is YAML.
import { pathOf, weightOf, type Exporter } from './exporter.js';
import { yamlText } from './yaml.js';

export const gptNeox: Exporter<object> = {
  unit: () => 'sequence',
  write: (domains) => yamlText({ train_data_paths: domains.map(pathOf), train_data_weights: domains.map(weightOf) }),
};
