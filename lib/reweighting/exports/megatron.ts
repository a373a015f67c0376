// Megatron-LM (d98e8a64): weights and prefixes in turn; normalised there; a weight is a share of sequences.
import { GradsiftError, mismatch, requireOneOf } from '../../errors.js';
import type { MixtureDomain } from '../mixture.js';
import { jsonText, wordOf, type Exporter } from './exporter.js';

/** How Megatron-LM is told. */
export interface MegatronOptions {
  /**
   * 'data-path' (default): the flag --data-path. 'train-data-path': for splits given apart. 'data-args-path': the file
   * of that flag. 'per-split-data-args-path': its JSON file, with `valid` and `test`.
   */
  readonly form?: 'data-path' | 'train-data-path' | 'data-args-path' | 'per-split-data-args-path' | undefined;
  /** Prefixes for validation and test, in the JSON form; default none. */
  readonly valid?: readonly string[] | undefined;
  readonly test?: readonly string[] | undefined;
}

const FORMS = ['data-path', 'train-data-path', 'data-args-path', 'per-split-data-args-path'] as const;
/** Datasets of a blend are numbered in int16, and the last number is not used. */
const MOST_DATASETS = 32_766;

/** Weights and prefixes in turn. */
export function blendWords(domains: readonly MixtureDomain[]): string[] {
  if (domains.length > MOST_DATASETS) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `mixture: expected at most ${MOST_DATASETS} domains`);
  }
  return domains.flatMap((domain) => [String(domain.weight), wordOf(domain)]);
}

export const megatron: Exporter<MegatronOptions> = {
  unit: () => 'sequence',
  write(domains, { form = 'data-path', valid, test }) {
    requireOneOf('form', form, FORMS);
    const words = blendWords(domains);
    const stray = Object.entries({ valid, test }).find(([, prefixes]) => prefixes !== undefined);
    if (form === 'per-split-data-args-path') {
      return jsonText({
        train: words,
        ...(valid === undefined ? {} : { valid }),
        ...(test === undefined ? {} : { test }),
      });
    }
    if (stray !== undefined) {
      throw mismatch('GRADSIFT_ARGUMENT', stray[0], "none but in the form 'per-split-data-args-path'", stray[1]);
    }
    return form === 'data-args-path' ? `${words.join(' ')}\n` : `--${form} ${words.join(' ')}\n`;
  },
};
