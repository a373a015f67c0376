// YAML as trainers read it: block style, and scalars that mean the same in YAML 1.1 (PyYAML) and 1.2. Only writing: a
// reader is not needed, and the tests bring one of their own.

/** What can be written. */
export type YamlValue = string | number | boolean | Real | readonly YamlValue[] | { readonly [key: string]: YamlValue };

const REAL = Symbol('real');

/** A number that a trainer expects to be a float, even where it is whole. */
export interface Real {
  readonly [REAL]: number;
}

export const real = (value: number): Real => ({ [REAL]: value });

const isReal = (value: object): value is Real => Object.hasOwn(value, REAL);

/**
 * The shortest text that reads back as the same float64. PyYAML takes 1e-7 for a string: a float of YAML 1.1 has a
 * point, and a sign before its exponent (which JavaScript always writes).
 */
export function realText(value: number): string {
  const text = String(value);
  return text.includes('.') ? text : text.includes('e') ? text.replace('e', '.0e') : `${text}.0`;
}

/** Names that no reader could take for anything but a string. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_./-]*$/;
const RESERVED = /^(true|false|yes|no|on|off|y|n|null|nan|inf)$/i;

/** A JSON string is a YAML string. */
const stringText = (value: string) => (PLAIN.test(value) && !RESERVED.test(value) ? value : JSON.stringify(value));

/** A document; keys in their order. */
export function yamlText(value: YamlValue): string {
  return `${lines(value, '').join('\n')}\n`;
}

function lines(value: YamlValue, indent: string): string[] {
  if (typeof value === 'string') return [indent + stringText(value)];
  if (typeof value !== 'object') return [indent + String(value)];
  if (isReal(value)) return [indent + realText(value[REAL])];
  if (Array.isArray(value))
    return value.length === 0
      ? [`${indent}[]`]
      : value.flatMap((item: YamlValue) => entry(`${indent}- `, item, indent));
  const entries = Object.entries(value);
  return entries.length === 0 ? [`${indent}{}`] : entries.flatMap(([key, item]) => member(key, item, indent));
}

/** `- item`: the first line of a nested block stands beside the dash. */
function entry(head: string, item: YamlValue, indent: string): string[] {
  const [first = '', ...rest] = lines(item, `${indent}  `);
  return [head + first.trimStart(), ...rest];
}

function member(key: string, item: YamlValue, indent: string): string[] {
  const own = lines(item, `${indent}  `);
  const head = `${indent}${stringText(key)}:`;
  const isBlock = typeof item === 'object' && !isReal(item) && Object.keys(item).length > 0;
  return isBlock ? [head, ...own] : [`${head} ${(own[0] as string).trimStart()}`];
}
