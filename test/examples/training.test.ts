// The training examples, run as a user runs them: a run in two parts ends in the same numbers as one without a stop.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { temporaryFolder } from '../gradients/temporary-folder.js';

const root = join(__dirname, '../..');
const folder = temporaryFolder();

function runExample(name: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'examples', `${name}.mjs`), ...args], {
    encoding: 'utf8',
    cwd: folder,
  });
  return { status, stderr, stdout };
}

/** What a run printed, but for its speed. */
const outcome = (stdout: string) => stdout.replace(/[\d ]+(?=(samples|tokens)\/s)/g, ' ');

const EXAMPLES: [string, string[]][] = [
  ['train-mlp', []],
  ['train-gpt', ['--layers', '1', '--width', '16', '--write', '8']],
  ['mix-online', ['--layers', '1', '--width', '16', '--rule', 'doge']],
];

test.each(EXAMPLES)('%s goes on from its checkpoint, bit for bit', (name, sizes) => {
  const checkpoint = join(folder, `${name}.safetensors`);
  expect(runExample(name, ...sizes, '--steps', '3', '--checkpoint', checkpoint).status).toBe(0);
  const resumed = runExample(name, ...sizes, '--steps', '6', '--checkpoint', checkpoint);
  expect(resumed.stderr).toContain('goes on after step 3');
  const straight = runExample(name, ...sizes, '--steps', '6');
  expect(straight.stdout).toMatch(/loss \d\.\d{6}/);
  expect(outcome(resumed.stdout)).toBe(outcome(straight.stdout));
});

test('influence-while-training shows the same numbers after going on from its checkpoint', () => {
  const rows = (stdout: string) => [...stdout.matchAll(/^ +\d.*(?= +\S+$)/gm)].map(([row]) => row);
  const checkpoint = join(folder, 'influence.safetensors');
  const first = runExample('influence-while-training', '--steps', '2', '--checkpoint', checkpoint);
  const second = runExample('influence-while-training', '--steps', '4', '--checkpoint', checkpoint);
  const straight = rows(runExample('influence-while-training', '--steps', '4').stdout);
  expect(straight).toHaveLength(4);
  expect([...rows(first.stdout), ...rows(second.stdout)]).toEqual(straight);
});

test.each([...EXAMPLES, ['influence-while-training', []]])('%s refuses a number of steps that is none', (name) => {
  const { status, stderr } = runExample(name, '--steps', 'many');
  expect(status).toBe(2);
  expect(stderr).toContain('"many"');
});
