// Draws texts from files by weights: mixtureSampler chooses which, positioned reads fetch them.
import { mismatch } from '../errors.js';
import type { DomainWeights } from './domains.js';
import type { DocumentSource } from './documents.js';
import { mixtureSampler, type DrawnSample, type MixtureSamplerState } from './mixture-sampler.js';

/** Options of {@link documentSampler}. */
export interface DocumentSamplerOptions {
  /** Texts of each domain: openDocuments of a file each, or {@link documentsByCluster} of one corpus. */
  readonly domains: Readonly<Record<string, DocumentSource>>;
  /** Integer >= 0. */
  readonly seed: number;
  /** As of mixtureSampler; default false: a domain's texts all come before one comes again. */
  readonly replacement?: boolean | undefined;
}

/** A text and where it comes from. */
export interface DrawnDocument extends DrawnSample {
  readonly text: string;
}

/** Draws texts. A state belongs to the same files, and is plain data: it resumes exactly. */
export interface DocumentSampler {
  init(): MixtureSamplerState;
  /** The next texts, by weights that may change from call to call, and the state after them. */
  draw(
    state: MixtureSamplerState,
    weights: DomainWeights,
    count: number,
  ): Promise<{ readonly documents: DrawnDocument[]; readonly state: MixtureSamplerState }>;
}

/**
 * A sampler over texts in files: only those drawn are read.
 * @throws GradsiftError GRADSIFT_ARGUMENT; GRADSIFT_FORMAT and GRADSIFT_IO of the files when drawing
 */
export function documentSampler({ domains, seed, replacement }: DocumentSamplerOptions): DocumentSampler {
  if (typeof domains !== 'object' || domains === null) {
    throw mismatch('GRADSIFT_ARGUMENT', 'domains', 'an object with documents for each name', domains);
  }
  const sizes = Object.fromEntries(Object.entries(domains).map(([name, source]) => [name, source?.count]));
  const sampler = mixtureSampler({ sizes, seed, replacement });
  return {
    init: () => sampler.init(),
    async draw(before, weights, count) {
      const { samples, state } = sampler.draw(before, weights, count);
      const texts = new Array<string>(count);
      const places = new Map<string, number[]>();
      for (const [at, { domain }] of samples.entries()) {
        const own = places.get(domain);
        if (own === undefined) places.set(domain, [at]);
        else own.push(at);
      }
      for (const [domain, own] of places) {
        const read = await (domains[domain] as DocumentSource).read(
          own.map((at) => (samples[at] as DrawnSample).index),
        );
        own.forEach((at, i) => (texts[at] = read[i] as string));
      }
      return { documents: samples.map((sample, at) => ({ ...sample, text: texts[at] as string })), state };
    },
  };
}

/**
 * The documents of each cluster, as domains by its number: what CRISP draws from.
 * @param clusters of each document, as assignClusters gives them
 * @throws GradsiftError GRADSIFT_SHAPE unless there is one for each document
 */
export function documentsByCluster(
  documents: DocumentSource,
  clusters: ArrayLike<number>,
): Record<string, DocumentSource> {
  if (clusters.length !== documents.count) {
    throw mismatch('GRADSIFT_SHAPE', 'clusters', `${documents.count}, one for each document`, clusters.length);
  }
  const members = new Map<number, number[]>();
  for (let place = 0; place < clusters.length; ++place) {
    const cluster = clusters[place] as number;
    const own = members.get(cluster);
    if (own === undefined) members.set(cluster, [place]);
    else own.push(place);
  }
  const inOrder = [...members].sort(([a], [b]) => a - b);
  return Object.fromEntries(inOrder.map(([cluster, places]) => [String(cluster), some(documents, places)]));
}

/** Some of the documents, by their places. */
function some(documents: DocumentSource, places: readonly number[]): DocumentSource {
  const own = Uint32Array.from(places);
  return {
    count: own.length,
    read: (wanted) =>
      documents.read(
        Array.from(wanted, (place) => {
          if (!(Number.isInteger(place) && place >= 0 && place < own.length)) {
            throw mismatch('GRADSIFT_ARGUMENT', 'place', `an integer in [0, ${own.length})`, place);
          }
          return own[place] as number;
        }),
      ),
  };
}
