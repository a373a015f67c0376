// The parser of cache sizes and the blocks derived from them, which no JavaScript sees (test/native/caches/check.cc).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const COMPILER = 'g++';

/** Output of a tool that must succeed. It gets the path alone: a sanitizer to preload is not for it. */
function run(tool: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8',
  });
  expect([stdout + stderr, status]).toEqual([stdout, 0]);
  return stdout;
}

if (spawnSync(COMPILER, ['--version']).error !== undefined) {
  test.skip(`caches (needs ${COMPILER})`, () => undefined);
} else {
  test('cache sizes are read as written, and blocks follow from them within their bounds', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gradsift-caches-'));
    try {
      const program = join(folder, 'check');
      const sources = ['native/core/caches.cc', 'test/native/caches/check.cc'];
      run(COMPILER, ['-std=c++20', '-Wall', '-Wextra', '-I.', ...sources, '-o', program]);
      expect(run(program, [])).toMatch(/^caches: \d+ checks, 0 failed\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
}
