// What a weight is a share of.
import { GradsiftError, mismatch, requireOneOf } from '../errors.js';
import { byName, proportions, readWeights, requireNames, type DomainNumbers, type DomainWeights } from './domains.js';
import { MIXTURE_UNITS, sealed, type Mixture, type MixtureDomain, type MixtureUnit } from './mixture.js';

const isDocument = (unit: MixtureUnit) => unit === 'document';

function meanTokens({ name, tokens = 0, documents = 0 }: MixtureDomain): number {
  if (tokens > 0 && documents > 0) return tokens / documents;
  throw new GradsiftError(
    'GRADSIFT_ARGUMENT',
    `mixture: the domain ${name} needs tokens and documents > 0, to tell the mean length of its documents`,
  );
}

/**
 * The mixture with weights in another unit. A share of tokens is a share of sequences when all sequences are full;
 * documents are drawn with probability q_i proportional to w_i / (mean tokens of a document of domain i).
 * @throws GradsiftError GRADSIFT_ARGUMENT where a domain of weight > 0 has no tokens or documents to convert by
 */
export function inUnit(mixture: Mixture, unit: MixtureUnit): Mixture {
  requireOneOf('unit', unit, MIXTURE_UNITS);
  if (isDocument(unit) === isDocument(mixture.unit))
    return unit === mixture.unit ? mixture : sealed({ ...mixture, unit });
  const shares = mixture.domains.map((domain) => {
    if (domain.weight === 0) return 0;
    return isDocument(unit) ? domain.weight / meanTokens(domain) : domain.weight * meanTokens(domain);
  });
  const weights = proportions('weights', shares);
  const domains = mixture.domains.map((domain, index) => ({ ...domain, weight: weights[index] as number }));
  return sealed({ ...mixture, unit, domains });
}

/**
 * What to multiply the loss of each domain by, when batches are drawn by `sampling` and the objective is `weights`:
 * w_i / q_i, whose mean over draws is 1. DoReMi's proxy, and trainers that keep the two apart, use it.
 * @throws GradsiftError GRADSIFT_ARGUMENT when a domain of weight > 0 is never drawn, GRADSIFT_NON_FINITE
 */
export function lossFactors(weights: DomainWeights, sampling: DomainWeights): DomainNumbers {
  const names = Object.keys(weights);
  requireNames('weights', names);
  const w = readWeights('weights', weights, names);
  const q = readWeights('sampling', sampling, names);
  return byName(
    names,
    w.map((weight, index) => {
      const share = q[index] as number;
      if (weight === 0) return 0;
      if (!(share > 0)) throw mismatch('GRADSIFT_ARGUMENT', `sampling.${names[index]}`, 'a number > 0', share);
      return weight / share;
    }),
  );
}
