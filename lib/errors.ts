/** What went wrong, as a constant that programs may compare. Messages may change; codes do not. */
export type ErrorCode =
  | 'GRADSIFT_ARGUMENT' // a wrong value: not a number, out of range, an unknown name, options that exclude each other
  | 'GRADSIFT_SHAPE' // lengths, sizes or strides that do not fit together
  | 'GRADSIFT_DTYPE' // an element type that the call does not take
  | 'GRADSIFT_FORMAT' // a file that is not what its name or header claims
  | 'GRADSIFT_IO' // the file system said no, or a file changed while it was read
  | 'GRADSIFT_NON_FINITE' // NaN or infinity in the data
  | 'GRADSIFT_MEMORY' // the stated budget, or the machine, is too small for the plan
  | 'GRADSIFT_NO_BINDING' // no native addon could be loaded
  | 'GRADSIFT_CUDA' // a GPU was asked for and cannot be had, or failed
  | 'GRADSIFT_NATIVE'; // the native core refused what the checks in TypeScript let through: a bug of ours

/** A mistake of the caller, or of a file: what was expected and what came. Numerical outcomes are never thrown. */
export class GradsiftError extends Error {
  override readonly name = 'GradsiftError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Shows a value in a message: short, on one line, and telling '5' from 5. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (ArrayBuffer.isView(value)) {
    return `a ${value.constructor.name} of ${(value as unknown as { length: number }).length ?? value.byteLength}`;
  }
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** `name: expected ..., got ...` */
export function mismatch(code: ErrorCode, name: string, expected: string, actual: unknown): GradsiftError {
  return new GradsiftError(code, `${name}: expected ${expected}, got ${show(actual)}`);
}

/** Throws unless value is an integer in [minimum, maximum]. */
export function requireInteger(
  name: string,
  value: unknown,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (!(Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum)) {
    const range = maximum === Number.MAX_SAFE_INTEGER ? `>= ${minimum}` : `in [${minimum}, ${maximum}]`;
    throw mismatch('GRADSIFT_ARGUMENT', name, `an integer ${range}`, value);
  }
}

/** Throws unless value is a finite number for which `accept` holds; `expected` says in words what that is. */
export function requireNumber(
  name: string,
  value: unknown,
  expected = 'a finite number',
  accept: (value: number) => boolean = () => true,
): asserts value is number {
  if (!(typeof value === 'number' && Number.isFinite(value) && accept(value))) {
    throw mismatch('GRADSIFT_ARGUMENT', name, expected, value);
  }
}

/** Throws unless value is one of the names. */
export function requireOneOf<Name extends string>(
  name: string,
  value: unknown,
  names: readonly Name[],
): asserts value is Name {
  if (!names.includes(value as Name)) {
    throw mismatch('GRADSIFT_ARGUMENT', name, `one of ${names.join(', ')}`, value);
  }
}
