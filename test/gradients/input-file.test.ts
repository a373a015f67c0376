import { createHash } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openInputFile } from '../../lib/gradients/input-file.js';
import { rejection } from './rejection.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const SIZE = (20 << 20) + 13;
const words = new Uint32Array(SIZE / 4 + 1);
for (let index = 0, word = 1; index < words.length; index++) words[index] = word = (word * 69069 + 1) >>> 0;
const content = Buffer.from(words.buffer, 0, SIZE);
const sha256 = createHash('sha256').update(content).digest('hex');
const path = join(folder, 'content.bin');
writeFileSync(path, content);

/** Reads these ranges, in this order or all at once, and checks what came. */
async function readRanges(ranges: readonly (readonly [number, number])[], together: boolean): Promise<string | null> {
  const file = await openInputFile(path);
  const read = async ([begin, end]: readonly [number, number]) => {
    const target = new Uint8Array(end - begin);
    await file.read(target, begin);
    expect(content.subarray(begin, end).equals(target)).toBe(true);
  };
  if (together) await Promise.all(ranges.map(read));
  else for (const range of ranges) await read(range);
  const record = await file.record();
  expect(await file.record()).toEqual(record);
  expect(record).toMatchObject({ path, bytes: SIZE });
  await file.close();
  return record.sha256;
}

const MiB = 1 << 20;
const WHOLE = [0, SIZE] as const;

describe.each([
  ['one after the other', false],
  ['at the same time', true],
])('the hash is that of the whole file, with reads %s:', (_how, together) => {
  test.each([
    ['none', []],
    ['the whole file', [WHOLE]],
    ['the whole file twice', [WHOLE, WHOLE]],
    ['an empty range', [[5, 5], WHOLE]],
    [
      'a header and then blocks',
      [
        [0, 8],
        [8, 200],
        [200, 5 * MiB],
        [5 * MiB, 9 * MiB],
        [9 * MiB, SIZE],
      ],
    ],
    [
      'a small gap',
      [
        [0, 100],
        [3 * MiB + 1, 9 * MiB],
      ],
    ],
    [
      'a large gap',
      [
        [0, 100],
        [15 * MiB, SIZE],
      ],
    ],
    [
      'backwards',
      [
        [15 * MiB, SIZE],
        [5 * MiB, 15 * MiB],
        [0, 5 * MiB],
      ],
    ],
    [
      'overlapping ranges',
      [
        [0, 6 * MiB],
        [4 * MiB, 12 * MiB],
        [1, 13 * MiB],
      ],
    ],
    ['the last byte', [[SIZE - 1, SIZE]]],
  ] as [string, [number, number][]][])('%s', async (_what, ranges) => {
    expect(await readRanges(ranges, together)).toBe(sha256);
  });
});

test('an empty file has the hash of nothing', async () => {
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  const file = await openInputFile(empty);
  expect(await file.record()).toEqual({ path: empty, bytes: 0, sha256: createHash('sha256').digest('hex') });
  await file.close();
});

test('the event loop runs while a file is hashed', async () => {
  const file = await openInputFile(path);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  let longest = 0;
  let last = performance.now();
  const tick = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await file.read(new Uint8Array(SIZE), 0);
  clearInterval(timer);
  clearInterval(tick);
  expect(turns).toBeGreaterThan(2);
  expect(longest).toBeLessThan(100); // one turn, not the 13 to 50 ms of the whole; loose, since machines pause
  await file.close();
});

test('a stop in mid-file leaves the hash usable', async () => {
  const file = await openInputFile(path);
  let checks = 0;
  const stop = () => {
    if (++checks === 4) throw new Error('stop');
  };
  await expect(file.read(new Uint8Array(SIZE), 0, stop)).rejects.toThrow('stop');
  await expect(
    file.record(() => {
      throw new Error('stop again');
    }),
  ).rejects.toThrow('stop again');
  expect((await file.record()).sha256).toBe(sha256);
  await file.close();
});

test('a file that changed since it was opened is refused', async () => {
  const changing = join(folder, 'changing');
  writeFileSync(changing, 'abc');
  const same = await openInputFile(changing);
  writeFileSync(changing, 'abd');
  utimesSync(changing, 1, 2);
  const { code, message } = await rejection(same.record());
  expect(code).toBe('GRADSIFT_IO');
  expect(message).toContain('changed while being read');
  await same.close();
});

test('a folder is no input file', async () => {
  const place = join(folder, 'place.safetensors');
  mkdirSync(place);
  const { code, message } = await rejection(openInputFile(place));
  expect(code).toBe('GRADSIFT_IO');
  expect(message).toContain('not a regular file');
});
