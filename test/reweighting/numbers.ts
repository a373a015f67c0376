// Small vectors by name, and what the tests of this folder compare.
import { random, seeded } from '../../lib/random.js';
import type { DomainNumbers } from '../../lib/reweighting/domains.js';
import { dot } from '../linalg/matrices.js';

export const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Domains a, b, c ... with these numbers. */
export const named = (values: readonly number[], names: readonly string[] = NAMES): DomainNumbers =>
  Object.fromEntries(values.map((value, index) => [names[index] as string, value]));

export const values = (numbers: DomainNumbers) => Object.values(numbers);

export const norm = (x: readonly number[]) => Math.sqrt(dot(x, x));

/** <g_i, g_j> by name. */
export const gramOf = (gradients: readonly (readonly number[])[]): Record<string, DomainNumbers> =>
  Object.fromEntries(gradients.map((g, i) => [NAMES[i] as string, named(gradients.map((h) => dot(g, h)))]));

/** <g_i, h> by name. */
export const alignmentOf = (gradients: readonly (readonly number[])[], h: readonly number[]) =>
  named(gradients.map((g) => dot(g, h)));

/** Equal to the digits that were published: half a unit of the last, and the rounding of a few operations. */
export function expectDigits(actual: readonly number[], published: readonly number[], decimals: number): void {
  expect(actual).toHaveLength(published.length);
  const bound = 0.5 * 10 ** -decimals + 64 * 2 ** -53 * Math.max(...published.map(Math.abs));
  published.forEach((value, index) => expect(Math.abs((actual[index] as number) - value)).toBeLessThanOrEqual(bound));
}

export const largestGap = (x: readonly number[], y: readonly number[]) =>
  Math.max(...x.map((value, index) => Math.abs(value - (y[index] as number))));

export const sum = (x: readonly number[]) => x.reduce((part, value) => part + value, 0);

/** KL(p || q), p log p = 0 at p = 0. */
export const divergence = (p: readonly number[], q: readonly number[]) =>
  sum(p.map((value, index) => (value === 0 ? 0 : value * Math.log(value / (q[index] as number)))));

/** `count` standard normal numbers, the same on every run. */
export function gaussians(seed: number, count: number): number[] {
  const cursor = random(seeded(seed));
  return Array.from({ length: count }, () => cursor.normal());
}

/** A random point of the simplex, from the uniform distribution on it. */
export function simplexPoint(seed: number, k: number): number[] {
  const cursor = random(seeded(seed, 1));
  const draws = Array.from({ length: k }, () => -Math.log(1 - cursor.uniform()));
  return draws.map((value) => value / sum(draws));
}
