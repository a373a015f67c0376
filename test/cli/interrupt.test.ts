import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeSafetensors } from '../../lib/gradients/write-safetensors.js';
import { main, startGradsift, train, val } from './gradsift.js';

const SAMPLES = 4000;
const [R, D, LAYERS] = [4, 512, 8];

let folder: string;
let store: string;

// 262 MB of gradients: some seconds of work.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradsift-interrupt-'));
  store = join(folder, 'train.safetensors');
  const data = new Float32Array(SAMPLES * R * D);
  for (let i = 0, word = 1; i < data.length; ++i) {
    word = (Math.imul(word, 1664525) + 1013904223) | 0;
    data[i] = word / 2 ** 31;
  }
  const layer = { dtype: 'F32', shape: [SAMPLES, R, D], data } as const;
  await writeSafetensors(store, Object.fromEntries(Array.from({ length: LAYERS }, (_, l) => [`layer ${l}`, layer])));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a long job, sends the signal and waits. */
async function interrupted(args: readonly string[], afterMs: number, signal: NodeJS.Signals) {
  const child = startGradsift(['influence', '--train', store, '--val', store, ...args], folder);
  let stderr = '';
  let stdout = '';
  child.stderr.on('data', (text) => (stderr += String(text)));
  child.stdout.on('data', (text) => (stdout += String(text)));
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await sleep(afterMs);
  const early = child.exitCode;
  const started = performance.now();
  child.kill(signal);
  const [code, killedBy] = await exit;
  // A signal that comes while Node is still starting ends the process by itself: to a shell that is 128 + its number.
  const status = killedBy === null ? code : 128 + constants.signals[killedBy];
  return { early, status, ms: performance.now() - started, stderr, stdout };
}

const outputs = ['--out', 'scores.json', '--report', 'report.html', '--save-curvature', 'curvature.safetensors'];

describe('Ctrl-C', () => {
  test.each<[string, string[]]>([
    ['while one layer after the other is summed', ['--method', 'hyperinf,exact,lissa', ...outputs]],
    ['while rows are read again and again', ['--method', 'lissa,hyperinf', '--memory', '64MiB', ...outputs]],
    ['with a query for each sample', ['--queries', 'each', ...outputs]],
  ])('%s: stops within 100 ms with status 130 and leaves nothing behind', async (_, args) => {
    const tries = [];
    for (const afterMs of [400, 700, 1000]) tries.push(await interrupted(args, afterMs, 'SIGINT'));
    const ran = tries.filter(({ early }) => early === null);
    expect(ran.length).toBeGreaterThan(0);
    expect(ran.map(({ status, stderr, stdout }) => ({ status, stderr, stdout }))).toEqual(
      ran.map(() => ({ status: 130, stderr: '', stdout: '' })),
    );
    // The best of three: other tests share the processors, and so does this one.
    expect(Math.min(...ran.map(({ ms }) => ms))).toBeLessThanOrEqual(100);
    expect(readdirSync(folder)).toEqual(['train.safetensors']);
  });

  test('a plain kill is as clean', async () => {
    const { status } = await interrupted(['--queries', 'each', ...outputs], 600, 'SIGTERM');
    expect(status).toBe(143);
    expect(readdirSync(folder)).toEqual(['train.safetensors']);
  });
});

describe('a reader that stops reading', () => {
  test('`| head` ends the command without a word', () => {
    // 72 000 lines: far more than a pipe holds.
    const command = `'${process.execPath}' '${main}' influence --train '${train}' --val '${val}'`;
    const script = `${command} --method tracin --queries each --format csv | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const run = spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
    const lines = run.stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('sample,query,tracin');
    expect(lines.length).toBe(3);
    expect({ stderr: run.stderr, status: lines[2] }).toEqual({ stderr: '', status: '0' });
  });
});
