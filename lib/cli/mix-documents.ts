// Which document a draw from a cluster is: the record of `gradsift cluster weights` names clusters, and an index counts
// the documents of one in their order.
import { GradsiftError } from '../errors.js';
import { clusterCounts, rollUp } from '../reweighting/crisp.js';
import type { DrawnSample } from '../reweighting/mixture-sampler.js';
import type { Mixture } from '../reweighting/mixture.js';
import { readClusters, type ClusterList } from './clusters-file.js';

/** The number of the document that a draw is, from 0 in the order of the clustered files. @throws GRADSIFT_ARGUMENT */
export type DocumentOf = (sample: DrawnSample) => number;

/**
 * Reads the list that the weights were made from, at the level of the tree that they are of.
 * @throws GRADSIFT_ARGUMENT when it is another; GRADSIFT_IO, GRADSIFT_FORMAT
 */
export async function readDocumentOf(path: string, mixture: Mixture, signal: AbortSignal): Promise<DocumentOf> {
  const list = await readClusters(path, signal);
  const perNode = leavesPerDomain(list, mixture);
  if (perNode === undefined) {
    const expected = `the clusters that the mixture was made from, got others in ${path}`;
    throw new GradsiftError('GRADSIFT_ARGUMENT', `--clusters: expected ${expected}`);
  }
  const documents = new Map(mixture.domains.map((domain) => [domain.name, new Uint32Array(domain.documents ?? 0)]));
  const filled = new Map<string, number>();
  list.clusters.forEach((leaf, document) => {
    const name = String(Math.floor(leaf / perNode));
    const at = filled.get(name) ?? 0;
    (documents.get(name) as Uint32Array)[at] = document;
    filled.set(name, at + 1);
  });
  return ({ domain, index }) => {
    const document = documents.get(domain)?.[index];
    if (document !== undefined) return document;
    // --sizes may say more, and Megatron's order counts on without end.
    const which = `sample ${index} of ${domain} is beyond its documents`;
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `--clusters: ${which}: without --sizes and --blend megatron it is not`,
    );
  };
}

/** Clusters of the list under a domain of the mixture: of the deepest level with the documents of its domains. */
function leavesPerDomain({ clusters, branching = [] }: ClusterList, { domains }: Mixture): number | undefined {
  const leaves = clusterCounts(clusters);
  let perNode = 1;
  for (const children of [...branching.toReversed(), Infinity]) {
    const counts = perNode === 1 ? leaves : rollUp(leaves, perNode);
    const same = domains.length === Object.keys(counts).length;
    if (same && domains.every(({ name, documents }) => Object.hasOwn(counts, name) && counts[name] === documents)) {
      return perNode;
    }
    perNode *= children;
  }
  return undefined;
}
