import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readIds } from '../../lib/cli/ids.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradsift-ids-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(folder, 'ids');
  writeFileSync(path, text);
  return path;
}

describe('readIds', () => {
  test.each<[string, string, (string | number)[]]>([
    ['lines', 'a\nb b\n\n3\n', ['a', 'b b', '', '3']],
    ['lines without a last newline, from Windows', '\uFEFFa\r\nb', ['a', 'b']],
    ['a JSON array', ' ["a", 2, "\\u00e9"]', ['a', 2, '\u00e9']],
    ['an empty file', '', []],
  ])('%s', async (_, text, ids) => {
    expect(await readIds(file(text), ids.length)).toEqual(ids);
  });

  test.each<[string, string, string, string]>([
    ['too few', 'a\nb\n', 'GRADSIFT_SHAPE', 'expected 3 ids, one for each training sample, got 2'],
    ['broken JSON', '["a",', 'GRADSIFT_FORMAT', 'starts like a JSON array, but is none'],
    [
      'an object among them',
      '["a", {}, 1]',
      'GRADSIFT_FORMAT',
      'element 1: expected a string or a number, got an object',
    ],
    ['null among them', '[null, 1, 2]', 'GRADSIFT_FORMAT', 'element 0: expected a string or a number, got null'],
  ])('refuses %s', async (_, text, code, message) => {
    const error = await readIds(file(text), 3).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  test('names a file that is not there', async () => {
    const path = join(folder, 'none');
    await expect(readIds(path, 1)).rejects.toMatchObject({
      code: 'GRADSIFT_IO',
      message: `--ids: ${path} cannot be read (ENOENT)`,
    });
  });
});
