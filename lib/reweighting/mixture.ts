// The mixture record: the one file from which every trainer's own form is derived.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { GradsiftError, mismatch, requireInteger, requireNumber, requireOneOf, show } from '../errors.js';
import { ioError } from '../gradients/input-file.js';
import { isRecord, parseJson } from '../gradients/json.js';
import { replaceFile } from '../gradients/replace-file.js';
import { VERSION } from '../version.js';
import { byName, readNumbers, requireKnownNames, requireNames, requireSimplex, type DomainWeights } from './domains.js';

/**
 * What a weight is a share of: tokens, sequences of the model's full length (the same shares), or documents (another
 * share wherever documents of different domains differ in length).
 */
export const MIXTURE_UNITS = ['token', 'sequence', 'document'] as const;
/** One of {@link MIXTURE_UNITS}. */
export type MixtureUnit = (typeof MIXTURE_UNITS)[number];

const SCHEMA = 'gradsift/mixture/1';

/** What is known of a domain beside its weight. */
export interface MixtureSource {
  /** Where the trainer finds it: a file, a prefix, a folder, an address. */
  readonly path?: string | undefined;
  /** Tokens that there are, >= 0. */
  readonly tokens?: number | undefined;
  /** Documents that there are, >= 0. */
  readonly documents?: number | undefined;
  /** Passes over it that the budget plans, >= 0. */
  readonly epochs?: number | undefined;
  /** Most passes, >= 0. */
  readonly cap?: number | undefined;
}

/** A domain of a mixture. */
export interface MixtureDomain extends MixtureSource {
  readonly name: string;
  readonly weight: number;
}

/** What a mixture is made from. */
export interface MixtureFields {
  /** How the weights were found: the name of a rule, or any words. */
  readonly method: string;
  readonly weights: DomainWeights;
  /** Default 'token': what the rules learn. */
  readonly unit?: MixtureUnit | undefined;
  /** Weights are shares of tokens of this tokenizer, and do not carry over to another. Default null: not said. */
  readonly tokenizer?: string | null | undefined;
  /** Updates that the rule had seen. Default null: none. */
  readonly step?: number | null | undefined;
  /** By domain. */
  readonly sources?: Readonly<Record<string, MixtureSource>> | undefined;
}

/** A mixture record, schema gradsift/mixture/1: plain data, the JSON of the file. */
export interface Mixture {
  readonly schema: typeof SCHEMA;
  readonly method: string;
  /** Of gradsift. */
  readonly version: string;
  readonly tokenizer: string | null;
  readonly unit: MixtureUnit;
  readonly step: number | null;
  readonly domains: readonly MixtureDomain[];
  /** Hex SHA-256 of the record's JSON without this field: which weights a run was trained with. */
  readonly sha: string;
}

const SIZES = ['tokens', 'documents', 'epochs', 'cap'] as const;
const FIELDS = ['path', ...SIZES] as const;

/**
 * A mixture record.
 * @throws GradsiftError GRADSIFT_ARGUMENT for weights that are not on the simplex, or a source that is no domain
 */
export function createMixture(fields: MixtureFields): Mixture {
  const { method, weights, unit = 'token', tokenizer = null, step = null, sources = {} } = fields;
  const names = Object.keys(weights);
  requireNames('weights', names);
  const shares = readNumbers('weights', weights, names) as number[];
  requireKnownNames('sources', sources, names);
  const domains = names.map((name, index): MixtureDomain => {
    const source = Object.hasOwn(sources, name) ? sources[name] : {};
    return { name, weight: shares[index] as number, ...sourceOf(name, source) };
  });
  return sealed({ method, version: VERSION, tokenizer, unit, step, domains });
}

function sourceOf(name: string, source: unknown): MixtureSource {
  if (!isRecord(source)) throw mismatch('GRADSIFT_ARGUMENT', `sources.${name}`, 'an object', source);
  const stranger = Object.keys(source).find((key) => !(FIELDS as readonly string[]).includes(key));
  if (stranger !== undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', `sources.${name}`, `fields among ${FIELDS.join(', ')}`, stranger);
  }
  // In one order, and without holes: equal records are equal texts.
  return Object.fromEntries(FIELDS.flatMap((key) => (source[key] === undefined ? [] : [[key, source[key]]])));
}

/** The record with its hash, checked. */
export function sealed({ method, version, tokenizer, unit, step, domains }: Omit<Mixture, 'schema' | 'sha'>): Mixture {
  if (typeof method !== 'string') throw mismatch('GRADSIFT_ARGUMENT', 'method', 'a string', method);
  if (typeof version !== 'string') throw mismatch('GRADSIFT_ARGUMENT', 'version', 'a string', version);
  if (tokenizer !== null && typeof tokenizer !== 'string') {
    throw mismatch('GRADSIFT_ARGUMENT', 'tokenizer', 'a string or null', tokenizer);
  }
  requireOneOf('unit', unit, MIXTURE_UNITS);
  if (step !== null) requireInteger('step', step, 0);
  domains.forEach(requireDomain);
  requireNames(
    'domains',
    domains.map(({ name }) => name),
  );
  requireSimplex(
    'weights',
    domains.map(({ weight }) => weight),
  );
  const record = { schema: SCHEMA, method, version, tokenizer, unit, step, domains } as const;
  const sha = createHash('sha256').update(JSON.stringify(record)).digest('hex');
  return { ...record, sha };
}

function requireDomain(domain: MixtureDomain): void {
  const { name, path } = domain;
  requireNumber(`weight of ${name}`, domain.weight, 'a number >= 0', (weight) => weight >= 0);
  if (path !== undefined && !(typeof path === 'string' && path !== '')) {
    throw mismatch('GRADSIFT_ARGUMENT', `path of ${name}`, 'a non-empty string', path);
  }
  for (const size of SIZES) {
    if (domain[size] !== undefined) {
      requireNumber(`${size} of ${name}`, domain[size], 'a number >= 0', (value) => value >= 0);
    }
  }
}

/** Its weights by name. */
export function mixtureWeights({ domains }: Mixture): DomainWeights {
  return byName(
    domains.map(({ name }) => name),
    domains.map(({ weight }) => weight),
  );
}

/** The text of a record, as its file has it. Numbers are the shortest that read back as the same bits. */
export function mixtureText(mixture: Mixture): string {
  return `${JSON.stringify(mixture, null, 2)}\n`;
}

/**
 * Reads what {@link mixtureText} wrote. A record written by hand may leave `sha` and `version` out.
 * @param source for messages: where the text came from
 * @throws GradsiftError GRADSIFT_FORMAT for anything else, or a hash that is of other weights
 */
export function parseMixture(text: string, source = 'mixture'): Mixture {
  const bad = (what: string, cause?: unknown) => new GradsiftError('GRADSIFT_FORMAT', `${source}: ${what}`, { cause });
  let parsed: unknown;
  try {
    parsed = parseJson(text, 8);
  } catch (cause) {
    throw bad('not JSON', cause);
  }
  if (!(isRecord(parsed) && parsed.schema === SCHEMA)) throw bad(`expected the schema ${SCHEMA}`);
  const { sha, method, version = VERSION, tokenizer = null, unit = 'token', step = null, domains } = parsed;
  if (!(Array.isArray(domains) && domains.every(isRecord))) throw bad('expected a list of domains');
  let mixture: Mixture;
  try {
    const list = domains.map(({ name, weight, ...rest }) => ({ name, weight, ...sourceOf(show(name), rest) }));
    mixture = sealed({ method, version, tokenizer, unit, step, domains: list } as Omit<Mixture, 'schema' | 'sha'>);
  } catch (cause) {
    throw bad(cause instanceof GradsiftError ? cause.message : 'damaged', cause);
  }
  if (sha !== undefined && sha !== mixture.sha) throw bad('its hash is of other content: it was edited, or damaged');
  return mixture;
}

/** Writes a record, replacing the file as a whole. @throws GradsiftError GRADSIFT_IO */
export async function saveMixture(path: string, mixture: Mixture): Promise<void> {
  await replaceFile(path, [new TextEncoder().encode(mixtureText(mixture))]);
}

/** Reads a record. @throws GradsiftError GRADSIFT_IO, GRADSIFT_FORMAT */
export async function loadMixture(path: string): Promise<Mixture> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw ioError(path, 'cannot be read', error);
  }
  return parseMixture(text, path);
}
