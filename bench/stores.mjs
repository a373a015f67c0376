// Gradient stores for benchmarks: written in pieces, so that a store may be larger than memory.
import { closeSync, existsSync, openSync, statSync, writeSync } from 'node:fs';

/** Deterministic values around 1/100, of either sign: the size of gradients of a mean loss. */
function noise(length) {
  const values = new Float32Array(length);
  let state = 0x9e3779b9;
  for (let i = 0; i < length; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state / 2 ** 32 - 0.5) * 0.02;
  }
  return values;
}

/**
 * Writes a safetensors store of `layers` layers [samples, r, d] to `path`, unless one of that size is there. The values
 * repeat with a period that no row length divides, so that rows differ.
 */
function write(path, dtype, elementBytes, period, { samples, layers, r, d }) {
  const layerBytes = samples * r * d * elementBytes;
  const header = {};
  for (let layer = 0; layer < layers; ++layer) {
    const begin = layer * layerBytes;
    header[`layers.${layer}`] = { dtype, shape: [samples, r, d], data_offsets: [begin, begin + layerBytes] };
  }
  const text = JSON.stringify(header);
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const total = 8 + padded.length + layers * layerBytes;
  if (existsSync(path) && statSync(path).size === total) return path;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = openSync(path, 'w');
  writeSync(file, length);
  writeSync(file, padded);
  for (let left = layers * layerBytes; left > 0; left -= period.length) {
    writeSync(file, period, 0, Math.min(left, period.length));
  }
  closeSync(file);
  return path;
}

const PERIOD = 4_194_301; // a prime

/** In float32. */
export function writeStore(path, shape) {
  return write(path, 'F32', 4, Buffer.from(noise(PERIOD).buffer), shape);
}

/** In bfloat16: the upper halves of the same numbers. */
export function writeHalfStore(path, shape) {
  const bits = new Uint16Array(noise(PERIOD).buffer).filter((_, i) => i % 2 === 1);
  return write(path, 'BF16', 2, Buffer.from(bits.buffer), shape);
}
