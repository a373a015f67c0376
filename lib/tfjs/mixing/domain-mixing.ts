import { mixBasis, type Basis } from '../../reweighting/basis.js';
import { byName, only, type DomainWeights } from '../../reweighting/domains.js';
import type { Shares } from './step.js';

/** What samples are drawn from, and what the rule weighs: the same without a basis. */
export interface Mixing {
  readonly domains: readonly string[];
  /** What training batches are drawn by. */
  mix(weights: DomainWeights): DomainWeights;
  /** What measured batches of a domain are drawn by. */
  draw(domain: string): DomainWeights;
  /** Which domains a training sample counts for; undefined: its own. */
  shares(weights: DomainWeights): Shares | undefined;
}

/** @param measured names that measured batches are drawn from: those of the domains, and the target's */
export function plainMixing(names: readonly string[], measured: readonly string[]): Mixing {
  return {
    domains: names,
    mix: (weights) => weights,
    draw: (domain) => only(measured, domain),
    shares: () => undefined,
  };
}

/** By Bayes' rule a sample of cluster c is of distribution j with probability w_j p_j(c) / sum_i w_i p_i(c). */
export function basisMixing(basis: Basis, names: readonly string[], measured: readonly string[]): Mixing {
  const domains = Object.keys(basis);
  const holders = new Map<string, [domain: string, share: number][]>(names.map((name) => [name, []]));
  for (const domain of domains) {
    for (const [name, share] of Object.entries(basis[domain] as DomainWeights))
      holders.get(name)?.push([domain, share]);
  }
  return {
    domains,
    mix: (weights) => ({ ...zeros(names), ...mixBasis(basis, weights) }),
    draw(domain) {
      return Object.hasOwn(basis, domain) ? { ...zeros(measured), ...basis[domain] } : only(measured, domain);
    },
    shares: (weights) => (sample) => {
      const joint = (holders.get(sample.domain) ?? []).map(
        ([domain, share]) => [domain, share * (weights[domain] as number)] as const,
      );
      const sum = joint.reduce((part, [, weight]) => part + weight, 0);
      return joint.flatMap(([domain, weight]) => (weight > 0 ? [[domain, weight / sum] as const] : []));
    },
  };
}

function zeros(names: readonly string[]): DomainWeights {
  return byName(
    names,
    names.map(() => 0),
  );
}
