// Domains by name outside, vectors in the order of their list inside: the one place that turns one into the other.
import { GradsiftError, mismatch, requireNumber, show } from '../errors.js';

/** A number for each domain, by its name. */
export type DomainNumbers = Readonly<Record<string, number>>;

/** Domain weights, by name: each >= 0, their sum 1. */
export type DomainWeights = DomainNumbers;

/** How far a sum of weights may be from 1: what writing each of a few thousand to twelve digits can cost. */
const SUM_TOLERANCE = 1e-9;

/** @throws GRADSIFT_ARGUMENT unless value is a list of different, non-empty names */
export function requireNames(name: string, value: unknown): asserts value is readonly string[] {
  if (!(Array.isArray(value) && value.length > 0)) {
    throw mismatch('GRADSIFT_ARGUMENT', name, 'a list of names, at least one', value);
  }
  const seen = new Set<string>();
  for (const item of value as unknown[]) {
    if (!(typeof item === 'string' && item !== '')) {
      throw mismatch('GRADSIFT_ARGUMENT', name, 'names that are non-empty strings', item);
    }
    if (seen.has(item)) {
      throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: expected each name once, got ${show(item)} twice`);
    }
    seen.add(item);
  }
}

function requireRecord(name: string, value: unknown): asserts value is Readonly<Record<string, unknown>> {
  if (!(typeof value === 'object' && value !== null && !Array.isArray(value))) {
    throw mismatch('GRADSIFT_ARGUMENT', name, 'an object with a number for each name', value);
  }
}

/** @throws GRADSIFT_ARGUMENT when the record has a name that is not in the list: a typing error, most likely */
export function requireKnownNames(name: string, record: unknown, names: readonly string[]): void {
  requireRecord(name, record);
  const known = new Set(names);
  const stranger = Object.keys(record).find((key) => !known.has(key));
  if (stranger !== undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', name, `names among ${names.slice(0, 20).join(', ')}`, stranger);
  }
}

/**
 * The record as a vector in the order of `names`; undefined where it has no number.
 * @throws GRADSIFT_ARGUMENT for an unknown name or a value that is no number, GRADSIFT_NON_FINITE for NaN or infinity
 */
export function readNumbers(name: string, record: unknown, names: readonly string[]): (number | undefined)[] {
  requireKnownNames(name, record, names);
  return names.map((key) => {
    const value = Object.hasOwn(record as object, key) ? (record as Record<string, unknown>)[key] : undefined;
    if (value === undefined) return undefined;
    if (typeof value !== 'number') throw mismatch('GRADSIFT_ARGUMENT', `${name}.${key}`, 'a number', value);
    if (!Number.isFinite(value)) throw mismatch('GRADSIFT_NON_FINITE', `${name}.${key}`, 'a finite number', value);
    return value;
  });
}

/** As {@link readNumbers}, with a number for every name. @throws GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE */
export function readAllNumbers(name: string, record: unknown, names: readonly string[]): number[] {
  return readNumbers(name, record, names).map((value, index) => {
    if (value === undefined) throw mismatch('GRADSIFT_ARGUMENT', `${name}.${names[index]}`, 'a number', value);
    return value;
  });
}

/** Weights as a vector. @throws GRADSIFT_ARGUMENT unless each is >= 0 and their sum 1, GRADSIFT_NON_FINITE */
export function readWeights(name: string, record: unknown, names: readonly string[]): number[] {
  const weights = readAllNumbers(name, record, names);
  weights.forEach((weight, index) => {
    requireNumber(`${name}.${names[index]}`, weight, 'a weight >= 0', (value) => value >= 0);
  });
  requireSimplex(name, weights);
  return weights;
}

/** @throws GRADSIFT_ARGUMENT unless the vector is on the simplex */
export function requireSimplex(name: string, weights: readonly number[]): void {
  const negative = weights.find((weight) => !(weight >= 0));
  if (negative !== undefined) throw mismatch('GRADSIFT_ARGUMENT', name, 'weights >= 0', negative);
  const sum = total(weights);
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: expected weights that sum to 1, got ${show(sum)}`);
  }
}

/** A vector by name. */
export function byName(names: readonly string[], vector: readonly number[]): Record<string, number> {
  return Object.fromEntries(names.map((name, index) => [name, vector[index] as number]));
}

/** All weight on one of the names. */
export function only(names: readonly string[], chosen: string): DomainWeights {
  return Object.fromEntries(names.map((name) => [name, name === chosen ? 1 : 0]));
}

export function total(vector: readonly number[]): number {
  return vector.reduce((sum, value) => sum + value, 0);
}

/**
 * Weights in proportion to numbers >= 0, by name: shares read from a paper, counts of tokens.
 * @throws GradsiftError GRADSIFT_ARGUMENT for a negative number or a sum of 0, GRADSIFT_NON_FINITE
 */
export function normalise(numbers: DomainNumbers): DomainWeights {
  requireRecord('numbers', numbers);
  const names = Object.keys(numbers);
  const vector = readAllNumbers('numbers', numbers, names);
  vector.forEach((value, index) => requireNumber(`numbers.${names[index]}`, value, 'a number >= 0', (x) => x >= 0));
  return byName(names, proportions('numbers', vector));
}

/** v / sum(v), for numbers >= 0. @throws GRADSIFT_ARGUMENT when all are 0 */
export function proportions(name: string, vector: readonly number[]): number[] {
  const largest = vector.reduce((most, value) => Math.max(most, value), 0);
  if (!(largest > 0)) {
    const got = vector.length === 0 ? 'no numbers' : 'zeros alone';
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: expected at least one number > 0, got ${got}`);
  }
  // By the largest first, so that no sum overflows.
  const scaled = vector.map((value) => value / largest);
  const sum = total(scaled);
  return scaled.map((value) => value / sum);
}
