// Every bit pattern of both half precisions, from a file and from memory, against the definition of the formats.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { bytesOf, safetensorsBytes } from './safetensors-bytes.js';
import { layerBytes } from './read-layer.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const PATTERNS = 65_536;
const bits = new Uint16Array(PATTERNS);
for (let pattern = 0; pattern < PATTERNS; pattern++) bits[pattern] = pattern;

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
function fromF16(pattern: number): number {
  const sign = pattern >> 15 ? -1 : 1;
  const exponent = (pattern >> 10) & 31;
  const fraction = (pattern & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

/** bfloat16: the upper half of a binary32. */
function fromBF16(pattern: number): number {
  return new DataView(Uint32Array.of(pattern * 65_536).buffer).getFloat32(0, true);
}

test.each([
  ['F16', fromF16],
  ['BF16', fromBF16],
] as const)('%s', async (dtype, decode) => {
  const expected = Float32Array.from(bits, decode);
  const path = join(folder, `${dtype}.safetensors`);
  const tensor = { dtype, shape: [1024, 8, 8], bytes: bytesOf(bits) };
  // 1 byte of padding more or less: the halves lie at odd and even offsets.
  for (const pad of [0, 1]) {
    writeFileSync(path, safetensorsBytes({ a: tensor }, { pad }));
    for (const source of [path, { layers: { a: { rows: bits, dtype, shape: [1024, 8, 8] } } }]) {
      const store = await openGradients(source);
      const bytes = await layerBytes(store, 'a', 100);
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, PATTERNS);
      const wrong = [...values.keys()].filter((index) => !Object.is(values[index], expected[index]));
      expect(wrong).toEqual([]);
      await store.close();
    }
  }
});
