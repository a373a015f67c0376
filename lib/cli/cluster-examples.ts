// Texts that show what a cluster is about, for the report.
import { mismatch } from '../errors.js';
import type { ClusterExamples } from '../report/cluster-report.js';
import { openDocuments } from '../reweighting/documents.js';
import type { Mixture } from '../reweighting/mixture.js';

/** The documents of a list of clusters. */
export interface ClusteredTexts {
  readonly paths: readonly string[];
  readonly field: string | undefined;
  readonly clusters: Uint32Array;
  /** Clusters of the list under one of the mixture. */
  readonly perNode: number;
}

/** Clusters shown, the heaviest, and texts of each. */
const SHOWN = 12;
const [GENERIC, TARGET] = [3, 2];
/** Characters of a text. */
const EXCERPT = 280;

/** Texts of the heaviest clusters of the mixture, spread evenly over those that each has. */
export async function clusterExamples(
  mixture: Mixture,
  generic: ClusteredTexts | undefined,
  target: ClusteredTexts | undefined,
  signal: AbortSignal,
): Promise<ClusterExamples[]> {
  if (generic === undefined && target === undefined) return [];
  const heaviest = [...mixture.domains].sort((a, b) => b.weight - a.weight).slice(0, SHOWN);
  const names = heaviest.filter(({ weight }) => weight > 0).map(({ name }) => name);
  const ofCorpus = await excerpts(generic, names, GENERIC, signal);
  const ofTarget = await excerpts(target, names, TARGET, signal);
  return names.map((cluster, i) => ({ cluster, generic: ofCorpus[i] ?? [], target: ofTarget[i] ?? [] }));
}

async function excerpts(
  texts: ClusteredTexts | undefined,
  names: readonly string[],
  most: number,
  signal: AbortSignal,
): Promise<string[][]> {
  if (texts === undefined) return [];
  const { paths, field, clusters, perNode } = texts;
  const members = new Map<number, number[]>(names.map((name) => [Number(name), []]));
  clusters.forEach((cluster, document) => members.get(Math.floor(cluster / perNode))?.push(document));
  const documents = await openDocuments(paths, { field, signal });
  try {
    if (documents.count !== clusters.length) {
      throw mismatch('GRADSIFT_SHAPE', documents.source, `${clusters.length} documents, as clustered`, documents.count);
    }
    const found: string[][] = [];
    for (const own of members.values()) {
      const count = Math.min(most, own.length);
      const places = Array.from({ length: count }, (_, i) => own[Math.floor((i * own.length) / count)] as number);
      found.push((await documents.read(places)).map(excerpt));
    }
    return found;
  } finally {
    await documents.close();
  }
}

function excerpt(text: string): string {
  const line = text
    .slice(0, 2 * EXCERPT)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT - 1)}\u2026` : line;
}
