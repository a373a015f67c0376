import { GradsiftError, mismatch } from '../errors.js';
import type { FloatArray } from '../native/binding.js';

/** 'Float32Array' and the like; by tag, so that an array of another realm (a vm context, a test runner) is as good. */
export function arrayKind(value: unknown): string {
  if (value instanceof Float32Array) return 'Float32Array'; // at once, where the realm is ours
  if (value instanceof Float64Array) return 'Float64Array';
  return ArrayBuffer.isView(value) ? Object.prototype.toString.call(value).slice('[object '.length, -1) : '';
}

/** Throws unless value is a typed array of one of the kinds, of at least `length` elements. */
function requireKind(name: string, value: unknown, kinds: readonly string[], length: number): void {
  if (!kinds.includes(arrayKind(value))) {
    throw mismatch('GRADSIFT_DTYPE', name, `a ${kinds.join(' or ')}`, value);
  }
  const actual = (value as FloatArray).length;
  if (!(actual >= length)) {
    throw new GradsiftError('GRADSIFT_SHAPE', `${name}: expected at least ${length} elements, got ${actual}`);
  }
}

/** Throws unless value is a Float32Array or Float64Array of at least `length` elements. */
export function requireFloats(name: string, value: unknown, length: number): asserts value is FloatArray {
  requireKind(name, value, ['Float32Array', 'Float64Array'], length);
}

/** Throws unless value is a Float32Array of at least `length` elements. */
export function requireFloat32(name: string, value: unknown, length: number): asserts value is Float32Array {
  requireKind(name, value, ['Float32Array'], length);
}

/** Throws unless value is a Float64Array of at least `length` elements. */
export function requireFloat64(name: string, value: unknown, length: number): asserts value is Float64Array {
  requireKind(name, value, ['Float64Array'], length);
}

/** Throws unless value is a Uint32Array of at least `length` elements. */
export function requireUint32(name: string, value: unknown, length: number): asserts value is Uint32Array {
  requireKind(name, value, ['Uint32Array'], length);
}

/** Throws unless value is a Uint16Array of at least `length` elements. */
export function requireHalves(name: string, value: unknown, length: number): asserts value is Uint16Array {
  requireKind(name, value, ['Uint16Array'], length);
}

/** Throws unless value is a Float32Array or Float64Array of at least `length` elements, and of the type of `like`. */
export function requireArray(
  name: string,
  value: unknown,
  like: FloatArray,
  length: number,
): asserts value is FloatArray {
  const differs = arrayKind(value) !== arrayKind(like);
  requireFloats(name, value, differs ? 0 : length);
  if (differs) throw mismatch('GRADSIFT_DTYPE', name, `a ${arrayKind(like)} like a`, value);
}

type ArrayView = FloatArray | Uint16Array | Uint32Array;

/** Throws when two arrays share bytes. */
export function requireApart(name: string, array: ArrayView, otherName: string, other: ArrayView): void {
  const apart =
    array.buffer !== other.buffer ||
    array.byteOffset + array.byteLength <= other.byteOffset ||
    other.byteOffset + other.byteLength <= array.byteOffset;
  if (!apart && array.length > 0 && other.length > 0) {
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `${name}: expected memory of its own, got memory shared with ${otherName}`,
    );
  }
}
