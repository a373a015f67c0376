// Turns the text of an option into a value, or says what was expected. Every option goes through one of these.
import { mismatch, requireInteger, requireNumber } from '../errors.js';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const NUMBER = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Reads an option that may be absent. */
export function given<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text);
}

/** `2GiB`, `512 MiB`, `1.5GB`, `1e9`: bytes, at least 1. */
export function parseBytes(name: string, text: string): number {
  const match = /^\s*([\d.]+(?:e[+-]?\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const factor = match ? UNITS[match[2] as string] : undefined;
  const bytes = match && NUMBER.test(match[1] as string) && factor ? Math.floor(Number(match[1]) * factor) : NaN;
  if (!(bytes >= 1 && Number.isSafeInteger(bytes))) {
    throw mismatch('GRADSIFT_ARGUMENT', name, 'a size like 2GiB, 512MiB, 1.5GB or 1e9', text);
  }
  return bytes;
}

/** A whole number in [minimum, maximum]. */
export function parseInteger(name: string, text: string, minimum: number, maximum?: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : text;
  requireInteger(name, value, minimum, maximum);
  return value;
}

/** A finite number of at least 0. */
export function parsePositive(name: string, text: string): number {
  const value = NUMBER.test(text.trim()) ? Number(text) : text;
  requireNumber(name, value, 'a number >= 0', (number) => number >= 0);
  return value;
}

/** A finite number. */
export function parseNumber(name: string, text: string): number {
  const value = NUMBER.test(text.trim().replace(/^-/, '')) ? Number(text) : text;
  requireNumber(name, value);
  return value;
}

/** `a,b , c`: at least one name, none empty. */
export function parseList(name: string, text: string): string[] {
  const names = text.split(',').map((part) => part.trim());
  if (!names.every((part) => part !== '')) throw mismatch('GRADSIFT_ARGUMENT', name, 'names with commas between', text);
  return names;
}

/** One of the names. */
export function parseOneOf<Name extends string>(name: string, text: string, names: readonly Name[]): Name {
  const found = names.find((each) => each === text);
  if (found === undefined) throw mismatch('GRADSIFT_ARGUMENT', name, `one of ${names.join(', ')}`, text);
  return found;
}

/** A path: any text but the empty one, which a shell makes of an unset variable. */
export function parsePath(name: string, text: string): string {
  if (text === '') throw mismatch('GRADSIFT_ARGUMENT', name, 'a file name', text);
  return text;
}
