// What a command line adds to what is known of the domains.
import { readAllNumbers } from '../reweighting/domains.js';
import { sealed, type Mixture, type MixtureSource } from '../reweighting/mixture.js';
import { readObject } from './json-input.js';
import { mismatch } from '../errors.js';

export interface SourceFlags {
  readonly sources?: string;
  readonly paths?: string;
  readonly tokens?: string;
  readonly documents?: string;
}

export type Sources = Readonly<Record<string, MixtureSource>>;

/** --sources; --paths, --tokens and --documents come before it. @throws GRADSIFT_FORMAT, GRADSIFT_IO */
export function readSources({ sources, paths, tokens, documents }: SourceFlags): Sources {
  const read = (name: string, text: string | undefined) => (text === undefined ? {} : readObject(name, text));
  const known = read('--sources', sources) as Sources;
  const fields = {
    path: read('--paths', paths),
    tokens: read('--tokens', tokens),
    documents: read('--documents', documents),
  };
  for (const key of ['tokens', 'documents'] as const) readAllNumbers(`--${key}`, fields[key], Object.keys(fields[key]));
  const names = new Set([known, ...Object.values(fields)].flatMap((record) => Object.keys(record)));
  return Object.fromEntries(
    [...names].map((name) => {
      const own = Object.entries(fields).filter(([, record]) => Object.hasOwn(record, name));
      return [name, { ...known[name], ...Object.fromEntries(own.map(([key, record]) => [key, record[name]])) }];
    }),
  );
}

/** @throws GRADSIFT_ARGUMENT when a source is of no domain: a typing error, most likely */
export function requireDomains(sources: Sources, domains: readonly string[]): void {
  const strange = Object.keys(sources).find((name) => !domains.includes(name));
  if (strange === undefined) return;
  throw mismatch('GRADSIFT_ARGUMENT', '--sources, --paths, --tokens, --documents', 'names of domains', strange);
}

/** A record with more known of its domains. */
export function withSources(mixture: Mixture, sources: Sources): Mixture {
  requireDomains(
    sources,
    mixture.domains.map(({ name }) => name),
  );
  return sealed({ ...mixture, domains: mixture.domains.map((domain) => ({ ...domain, ...sources[domain.name] })) });
}
