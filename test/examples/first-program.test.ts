import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const program = join(root, 'examples/first-program.mjs');

test('the program of the README is the one that runs here', () => {
  const code =
    /## A first program\s+```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
  const lines = code.split('\n').filter((line) => line !== '');
  const here = readFileSync(program, 'utf8').split('\n');
  expect(lines.length).toBeGreaterThanOrEqual(6);
  expect(lines.filter((line) => !here.includes(line))).toEqual([]);
});

test('it prints the ten most harmful samples and a residual of rounding size', () => {
  const output = execFileSync(process.execPath, [program], { encoding: 'utf8', cwd: root });
  // The order of `hyperinf_converged` in test/data/digits-lora/reference-scores.json.
  const { methods } = JSON.parse(readFileSync(join(root, 'test/data/digits-lora/reference-scores.json'), 'utf8')) as {
    methods: Record<string, { scores: number[] }>;
  };
  const reference = methods['hyperinf_converged']?.scores ?? [];
  const order = [...reference.keys()].sort((a, b) => (reference[b] as number) - (reference[a] as number)).slice(0, 10);
  expect([...output.matchAll(/index: (\d+)/g)].map(([, index]) => Number(index))).toEqual(order);
  expect(Number(/worst residual: (\S+)/.exec(output)?.[1])).toBeLessThan(1e-10);
});
