// The CUDA library where there is no GPU: its sources over an emulator of the device (test/native/cuda/emulator),
// checked by the program that checks the real library on a GPU, and called through the addon.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { backend } from '../../lib/native/backend.js';
import { deviceArgument } from '../../lib/native/device.js';

const ROOT = resolve(__dirname, '../..');
const OUT = join(ROOT, 'build-emulator');
const LIBRARY = join(OUT, 'libgradsift_cuda.so');
const MISSING = ['make', 'g++'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);

interface Ran {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a tool with the path and what is given alone: a sanitizer to preload is not for it. */
function run(tool: string, args: readonly string[], environment: Record<string, string> = {}): Ran {
  const env = { PATH: process.env['PATH'], ...environment };
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd: ROOT, env, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

const check = (mode: readonly string[], environment: Record<string, string> = {}) =>
  run(join(OUT, 'check'), [LIBRARY, ...mode], environment);

const ALL_WELL = /^cuda: \d+ comparisons, 0 failed\n$/;

if (MISSING.length > 0) {
  test.skip(`the emulated CUDA library (needs ${MISSING.join(' and ')})`, () => undefined);
} else {
  describe('the emulated CUDA library', () => {
    beforeAll(() => {
      const { status, output } = run('make', ['-s', '-j2', '-f', 'test/native/cuda/Makefile']);
      expect([status, output]).toEqual([0, '']);
    }, 600_000); // 40 s on a free processor, once

    test('tile mappings cover their elements once, without bank conflicts', () => {
      expect(run(join(OUT, 'tiles'), []).output).toMatch(/^tiles: \d+ checks, 0 failed\n$/);
    });

    test('the op matrix, threads and blocks in reverse order', () => {
      expect(check([], { GRADSIFT_EMULATOR_ORDER: '1' }).output).toMatch(ALL_WELL);
    }, 300_000); // 10 s on a free processor

    test('a lost device: an error from every routine, nothing leaked', () => {
      expect(check(['lost'], { GRADSIFT_EMULATOR_FAIL: '1' }).output).toMatch(ALL_WELL);
    });

    // A sanitizer does not follow the emulator's fibers from stack to stack, and warns.
    const plain = process.env['ASAN_OPTIONS'] === undefined;
    const title = 'calls with device cuda give what the CPU gives, within the bounds of both';
    (plain ? test : test.skip)(
      plain ? title : `${title} (needs an addon without sanitizers)`,
      () => {
        const program = join(ROOT, 'test/native/cuda/calls.mjs');
        const { output } = run(process.execPath, [program], {
          GRADSIFT_CUDA_LIB: LIBRARY,
          GRADSIFT_BINDING: backend().path,
        });
        expect(output).toBe('all calls agree\n');
      },
      60_000,
    );
  });
}

const code = (action: () => unknown): unknown => {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test('a device that cannot be had is an error with a reason; auto takes the CPU then', () => {
  const { cuda } = backend();
  const usable = cuda.devices.some(({ reason }) => reason === '');
  expect(usable).toBe(cuda.reason === '');
  expect(code(() => deviceArgument('cuda'))).toBe(usable ? 'none' : 'GRADSIFT_CUDA');
  expect(code(() => deviceArgument('cuda:99'))).toBe('GRADSIFT_CUDA');
  expect(deviceArgument('auto')).toHaveLength(usable ? 1 : 0);
  expect(deviceArgument('cpu')).toEqual([]);
  for (const name of ['gpu', 'cuda:', 'cuda:-1', 'cuda:1.5', 1, null]) {
    expect(code(() => deviceArgument(name as 'cuda'))).toBe('GRADSIFT_ARGUMENT');
  }
});
