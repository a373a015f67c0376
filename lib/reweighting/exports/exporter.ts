// What a trainer's form is to this project: a unit, and a text made from the domains that are left.
import { GradsiftError, mismatch, requireOneOf } from '../../errors.js';
import type { MixtureDomain, MixtureUnit } from '../mixture.js';
import { real } from './yaml.js';

/** A trainer's form. Domains of weight 0 are gone before it is asked: most trainers refuse or mishandle them. */
export interface Exporter<Options> {
  /** What a weight means to the trainer. */
  unit(options: Options): MixtureUnit;
  write(domains: readonly MixtureDomain[], options: Options): string;
}

/** For trainers whose unit is one sample of the dataset, whatever that holds. */
export interface SampleOptions {
  /** What a sample is: a 'sequence' of full length (default: packed data), or a 'document'. */
  readonly samples?: 'sequence' | 'document' | undefined;
}

export function sampleUnit({ samples = 'sequence' }: SampleOptions): MixtureUnit {
  requireOneOf('samples', samples, ['sequence', 'document']);
  return samples;
}

/** The path of a domain. @throws GRADSIFT_ARGUMENT when there is none */
export function pathOf({ name, path }: MixtureDomain): string {
  if (path === undefined) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `mixture: the domain ${name} has no path, which this trainer needs`);
  }
  return path;
}

/** A path as one word of a command line. @throws GRADSIFT_ARGUMENT */
export function wordOf(domain: MixtureDomain): string {
  const path = pathOf(domain);
  // Megatron reads a list of which every other word is a number as weights and prefixes.
  const valid = !/\s/.test(path) && Number.isNaN(Number(path)) && !path.startsWith('-');
  if (!valid) throw mismatch('GRADSIFT_ARGUMENT', `path of ${domain.name}`, 'no spaces, no number, no leading -', path);
  return path;
}

export const weightOf = ({ weight }: MixtureDomain) => real(weight);

export const jsonText = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
