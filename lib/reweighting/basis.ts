// Weights over thousands of clusters as mixtures of a few basis distributions (DGA's reparametrisation):
//
//     alpha = P' w      w on the simplex of the basis, each row p_j of P on the simplex of the clusters
//
// so that a rule runs on w, with one gradient a basis element, whose batches are drawn by its row. By the chain rule
// the scores of the basis are P a. With P = I it is the rule itself, bit for bit.
import { mismatch } from '../errors.js';
import {
  readNumbers,
  readWeights,
  requireNames,
  requireSimplex,
  type DomainNumbers,
  type DomainWeights,
} from './domains.js';

/** Basis distributions by name; a row names only the clusters that it has, so that rows may be sparse. */
export type Basis = Readonly<Record<string, DomainWeights>>;

/** Its names. @throws GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE unless each row is a distribution */
export function requireBasis(basis: Basis): string[] {
  if (typeof basis !== 'object' || basis === null) {
    throw mismatch('GRADSIFT_ARGUMENT', 'basis', 'an object with a distribution for each name', basis);
  }
  const names = Object.keys(basis);
  requireNames('basis', names);
  for (const name of names) {
    const row = basis[name] as DomainWeights;
    const clusters = Object.keys(row ?? {});
    requireNames(`basis.${name}`, clusters);
    requireSimplex(`basis.${name}`, readNumbers(`basis.${name}`, row, clusters) as number[]);
  }
  return names;
}

/**
 * Weights of the clusters: alpha = P' w. Clusters come in the order in which the basis first names them.
 * @param weights on the simplex of the basis
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE
 */
export function mixBasis(basis: Basis, weights: DomainWeights): DomainWeights {
  const names = requireBasis(basis);
  const w = readWeights('weights', weights, names);
  const mixed = new Map<string, number>();
  names.forEach((name, j) => {
    for (const [cluster, share] of Object.entries(basis[name] as DomainWeights)) {
      mixed.set(cluster, (mixed.get(cluster) ?? 0) + (w[j] as number) * share);
    }
  });
  return Object.fromEntries(mixed);
}

/**
 * Scores of the basis elements from scores of the clusters: P a, the gradient of <a, P' w> with respect to w.
 * @throws GradsiftError GRADSIFT_ARGUMENT when a cluster of the basis has no score, GRADSIFT_NON_FINITE
 */
export function basisScores(basis: Basis, scores: DomainNumbers): DomainNumbers {
  return Object.fromEntries(
    requireBasis(basis).map((name) => {
      const sum = Object.entries(basis[name] as DomainWeights).reduce((part, [cluster, share]) => {
        const score: unknown = Object.hasOwn(scores, cluster) ? scores[cluster] : undefined;
        if (!Number.isFinite(score)) throw mismatch('GRADSIFT_ARGUMENT', `scores.${cluster}`, 'a finite number', score);
        return part + share * (score as number);
      }, 0);
      return [name, sum];
    }),
  );
}
