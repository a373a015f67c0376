import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { backend } from '../../lib/native/backend.js';
import { binding } from '../../lib/native/binding.js';

const run = promisify(execFile);
const root = join(__dirname, '../..');

/** What a program that asks for backend() prints, under the given environment. */
async function backendUnder(environment: Record<string, string>): Promise<string> {
  const program = "import('gradsift').then((g) => console.log(g.backend().isa), (e) => console.log(e.code, e.message))";
  const { stdout } = await run(process.execPath, ['-e', program], {
    cwd: root,
    env: { ...process.env, ...environment },
  });
  return stdout;
}

test('backend() names one instruction set in use, and says why not the others', () => {
  const { isa, instructionSets, threads, path } = backend();
  expect(instructionSets.filter(({ status }) => status === 'in use').map(({ name }) => name)).toEqual([isa]);
  expect(instructionSets.at(-1)?.name).toBe('portable');
  expect(threads).toBeGreaterThanOrEqual(1);
  expect(path).toMatch(/gradsift\.node$/);
});

test('selectIsa changes the instruction set, and refuses a name that is none', () => {
  const before = binding.isa();
  expect(binding.selectIsa('portable')).toBe(true);
  expect(backend().isa).toBe('portable');
  expect(binding.selectIsa('sse9')).toBe(false);
  expect(binding.isa()).toBe('portable');
  expect(binding.selectIsa(before)).toBe(true);
});

test('GRADSIFT_ISA forces an instruction set; a wrong name is an error that lists the right ones', async () => {
  expect((await backendUnder({ GRADSIFT_ISA: 'portable' })).trim()).toBe('portable');
  const refused = await backendUnder({ GRADSIFT_ISA: 'avx1024' });
  expect(refused).toMatch(/^GRADSIFT_ARGUMENT GRADSIFT_ISA: expected one of .*portable.*, got "avx1024"/);
});

test('without an addon the error names every path tried and what to type', async () => {
  const missing = await backendUnder({ GRADSIFT_BINDING: '/nowhere/gradsift.node' });
  expect(missing).toContain('GRADSIFT_NO_BINDING');
  expect(missing).toContain('/nowhere/gradsift.node: no such file');
  expect(missing).toContain('npm ci');
  const folder = mkdtempSync(join(tmpdir(), 'gradsift-load-'));
  try {
    writeFileSync(join(folder, 'not-an-addon.node'), 'text');
    const broken = await backendUnder({ GRADSIFT_BINDING: join(folder, 'not-an-addon.node') });
    expect(broken).toContain('GRADSIFT_NO_BINDING');
    copyFileSync(backend().path, join(folder, 'gradsift.node'));
    expect((await backendUnder({ GRADSIFT_BINDING: join(folder, 'gradsift.node') })).trim()).toBe(backend().isa);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
