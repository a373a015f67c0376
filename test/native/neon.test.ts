// The NEON kernels, on any machine: built for ARM by a cross compiler, run in an emulator (test/native/neon/check.cc).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const COMPILER = 'aarch64-linux-gnu-g++';
const EMULATOR = 'qemu-aarch64';
const MISSING = [COMPILER, EMULATOR].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);

const sources = JSON.parse(readFileSync(join(ROOT, 'native/sources.json'), 'utf8')) as Record<string, string[]>;

/** Output of a tool that must succeed. It gets the path alone: a sanitizer to preload is not for it. */
function run(tool: string, args: readonly string[]): string {
  const env = { PATH: process.env['PATH'] };
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd: ROOT, env, encoding: 'utf8' });
  expect([stdout + stderr, status]).toEqual([stdout, 0]);
  return stdout;
}

if (MISSING.length > 0) {
  test.skip(`neon (needs ${MISSING.join(' and ')})`, () => undefined);
} else {
  test('every neon kernel agrees with portable, and touches nothing beyond its arrays', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gradsift-neon-'));
    try {
      const program = join(folder, 'check');
      const { flags = [], kernels = [] } = sources;
      // -O1 halves the time; the arithmetic is the same.
      const args = ['-std=c++20', ...flags, '-O1', '-static', '-I.', ...kernels, 'test/native/neon/check.cc'];
      expect(run(COMPILER, [...args, '-o', program])).toBe('');
      expect(run(EMULATOR, [program])).toMatch(/^neon: \d+ comparisons, 0 failed\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000); // 10 s on a free processor
}
