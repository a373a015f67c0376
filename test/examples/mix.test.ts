// npm run example:mix at its smallest: every job runs, results are kept and the report is made; stops change no bit.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../gradients/temporary-folder.js';

const folder = temporaryFolder();
const root = join(__dirname, '../..');

interface Resumed {
  readonly page: string;
  readonly report: { id: string; stopped: boolean; straight: object; resumed: object }[];
  readonly manifest: {
    domains: Record<
      string,
      { train: { windows: number }; validation: { windows: number }; left: Record<string, number> }
    >;
  };
}

function node(script: string, ...args: string[]) {
  return spawnSync(process.execPath, [join(root, script), ...args], { encoding: 'utf8', cwd: folder });
}

function runExample() {
  const files = ['--work', join(folder, 'work'), '--results', join(folder, 'results.json')];
  const { status, stdout, stderr } = node('examples/mix/main.mjs', 'report.html', '--scale', 'test', ...files);
  const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as {
    runs: { experiment: string; method: string; tests: Record<string, number> }[];
  };
  return { status, stdout, stderr, runs: results.runs };
}

test('every experiment has its runs, its table and its figures, and a second start trains nothing', () => {
  const first = runExample();
  expect(first.status).toBe(0);
  expect(new Set(first.runs.map(({ experiment }) => experiment))).toEqual(
    new Set(['universal', 'ood', 'little', 'tiny']),
  );
  const losses = first.runs.flatMap(({ tests }) => Object.values(tests));
  expect(losses.filter((loss) => !(loss > 0 && loss < Math.log(256) + 0.1))).toEqual([]);
  expect(first.stdout).toContain('claims nothing');
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  expect(page.match(/<svg/g)?.length).toBeGreaterThanOrEqual(16);
  expect(page).not.toMatch(/NaN|undefined/);

  const second = runExample();
  expect(second.stderr).not.toContain('0 of');
  expect(second.runs).toEqual(first.runs);
}, 180_000);

test('a job that was stopped goes on to the same bits; the committed table is that of the committed results', () => {
  const { report, manifest, page } = JSON.parse(node('test/examples/mix-resume.mjs').stdout) as Resumed;
  expect(report.map(({ stopped }) => stopped)).toEqual([true, true]);
  for (const { straight, resumed } of report) expect(resumed).toEqual(straight);
  expect(page).toBe(readFileSync(join(root, 'docs/mix-results.md'), 'utf8'));

  expect(Object.keys(manifest.domains)).toHaveLength(6);
  for (const { train, validation } of Object.values(manifest.domains)) {
    expect(Math.min(train.windows, validation.windows)).toBeGreaterThan(0);
  }
  expect(manifest.domains['licences']?.left['repeated']).toBeGreaterThan(100); // most packages have the same few
}, 120_000);
