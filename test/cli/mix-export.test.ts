import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { TRAINERS } from '../../lib/cli/mix-formats.js';
import { apportion } from '../../lib/reweighting/apportion.js';
import { EXPORT_FORMATS, exportMixture } from '../../lib/reweighting/export-mixture.js';
import { createMixture, loadMixture, mixtureText } from '../../lib/reweighting/mixture.js';
import { runMix } from './run-mix.js';

const weights = { md: 0.1 + 0.2, js: 0.6 - 2 ** -54, ts: 1 - (0.1 + 0.2) - (0.6 - 2 ** -54), none: 0 };
const paths = { md: 'data/md', js: 'data/js', ts: 'data/ts', none: 'data/none' };
const tokens = { md: 1000, js: 8000, ts: 500, none: 10 };

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradsift-export-'));
  writeFileSync(at('bare.json'), mixtureText(createMixture({ method: 'dga', weights })));
  const sources = Object.fromEntries(
    (['md', 'js', 'ts', 'none'] as const).map((name) => [name, { path: paths[name], tokens: tokens[name] }]),
  );
  writeFileSync(at('full.json'), mixtureText(createMixture({ method: 'dga', weights, sources })));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const full = () => ['export', '--mixture', at('full.json')];

test('every trainer, the text of the library; --paths does what the record leaves out', async () => {
  expect(Object.keys(TRAINERS)).toEqual(EXPORT_FORMATS);
  const mixture = await loadMixture(at('full.json'));
  for (const to of EXPORT_FORMATS) {
    const { text } = exportMixture(mixture, to);
    const left = { status: 0, stdout: text, stderr: 'gradsift: left out, having no weight: none\n' };
    expect(await runMix([...full(), '--to', to])).toEqual(left);
    const given = ['--paths', JSON.stringify(paths), '--tokens', JSON.stringify(tokens)];
    expect(await runMix(['export', '--mixture', at('bare.json'), '--to', to, ...given])).toEqual(left);
  }
});

test('round trip: what a trainer reads apportions as the record does', async () => {
  const { none: _, ...kept } = weights;
  const counts = apportion(kept, 100_000);
  const out = async (...args: string[]) => (await runMix([...full(), '--quiet', ...args])).stdout;
  const named = (values: readonly number[]) =>
    Object.fromEntries(Object.keys(kept).map((name, i) => [name, values[i]!]));
  const words = (await out('--to', 'megatron', '--form', 'data-args-path')).trim().split(' ');
  expect(apportion(named(words.filter((_word, i) => i % 2 === 0).map(Number)), 100_000)).toEqual(counts);
  const split = JSON.parse(await out('--to', 'megatron', '--form', 'per-split-data-args-path', '--valid', 'v1,v2')) as {
    valid: string[];
  };
  expect(split.valid).toEqual(['v1', 'v2']);
  const levanter = parse(await out('--to', 'levanter')) as { data: { train_weights: Record<string, number> } };
  expect(apportion(levanter.data.train_weights, 100_000)).toEqual(counts);
  const doremi = JSON.parse(await out('--to', 'doremi')) as { train_domain_weights: Record<string, number> };
  expect(apportion(doremi.train_domain_weights, 100_000)).toEqual(counts);
  const streams = parse(await out('--to', 'streaming', '--samples', '100000')) as {
    train_loader: { dataset: { streams: Record<string, { choose: number }> } };
  };
  const chosen = Object.entries(streams.train_loader.dataset.streams).map(([name, { choose }]) => [name, choose]);
  expect(Object.fromEntries(chosen)).toEqual(counts);
});

test('a budget with caps: the change is shown, the record keeps it, the trainer gets epochs', async () => {
  const args = ['--to', 'energon', '--form', 'blend_epochized', '--budget', '5000', '--max-epochs', '1.2'];
  const run = await runMix([...full(), ...args, '--save-mixture', at('planned.json'), '--out', at('energon.yaml')]);
  expect(run).toMatchObject({ status: 0, stdout: '' });
  // md and ts may give 1200 and 600 tokens of 5000; what is left goes to js.
  expect(run.stderr).toMatch(/^md +0\.240000 +0\.240000 +1\.2 +at its cap, from 0\.300000$/m);
  expect(run.stderr).toMatch(/^none +0\.000000 .*left out$/m);
  const planned = await loadMixture(at('planned.json'));
  expect(planned.domains.map(({ epochs }) => epochs)).toEqual([
    expect.closeTo(1.2, 12),
    expect.any(Number),
    expect.any(Number),
    0,
  ]);
  const sum = planned.domains.reduce((all, { epochs = 0 }, i) => all + epochs * Object.values(tokens)[i]!, 0);
  expect(Math.abs(sum - 5000)).toBeLessThanOrEqual(5000 * 8 * 2 ** -52);
  const read = parse(readFileSync(at('energon.yaml'), 'utf8')) as {
    splits: { train: { blend_epochized: { repetitions: number }[] } };
  };
  expect(read.splits.train.blend_epochized.map(({ repetitions }) => repetitions)).toEqual(
    planned.domains.slice(0, 3).map(({ epochs }) => epochs),
  );
});

test('documents of different lengths: --unit converts, --dry-run shows both', async () => {
  const documents = ['--documents', '{"md":100,"js":80,"ts":50,"none":1}'];
  const run = await runMix([...full(), '--to', 'hugging-face', '--unit', 'document', ...documents, '--dry-run']);
  // Shares over mean lengths 10, 100, 10: 0.03, 0.006, 0.01 of 0.046.
  expect(run.stdout).toMatch(/^domain +token +document$/m);
  expect(run.stdout).toMatch(/^md +0\.300000 +0\.652174$/m);
  expect(run.stdout).toMatch(/^js +0\.600000 +0\.130435$/m);
});

test('--to list says what each needs; stages of Levanter; datasets of torchtitan', async () => {
  const list = (await runMix(['export', '--to', 'list'])).stdout;
  for (const name of EXPORT_FORMATS) expect(list).toMatch(new RegExp(`^${name} `, 'm'));
  const later = ['--stage', `4096=${at('bare.json')}`];
  const levanter = parse((await runMix([...full(), '--to', 'levanter', ...later])).stdout) as {
    data: { train_weights: [number, Record<string, number>][] };
  };
  expect(levanter.data.train_weights.map(([start]) => start)).toEqual([0, 4096]);
  const python = (await runMix([...full(), '--to', 'torchtitan', '--dataset', 'HF({path}, {name})'])).stdout;
  expect(python).toContain('WeightedDataset(dataset=HF("data/md", "md"), weight=0.30000000000000004),');
});

test.each<[string, () => string[], RegExp]>([
  ['no trainer', () => ['export'], /required option '--to <trainer>' not specified/],
  ['an unknown trainer', () => [...full(), '--to', 'megatrom'], /--to: expected one of megatron, .*got "megatrom"/],
  ['no record', () => ['export', '--to', 'doremi'], /--mixture: expected a record/],
  ['a record that is not there', () => ['export', '--to', 'doremi', '--mixture', 'x.json'], /x\.json: cannot be read/],
  ['no paths', () => ['export', '--mixture', at('bare.json'), '--to', 'nemo'], /domain md has no path/],
  [
    'an option of another trainer',
    () => [...full(), '--to', 'nemo', '--split', 'x'],
    /--split: is an option of streaming/,
  ],
  [
    'a wrong form',
    () => [...full(), '--to', 'nemo', '--form', 'x'],
    /--form: expected one of data_prefix, blend, got "x"/,
  ],
  ['prefixes that no flag has', () => [...full(), '--to', 'megatron', '--valid', 'v'], /--valid: expected none but/],
  [
    'a file without epochs of samples',
    () => [...full(), '--to', 'streaming', '--form', 'choose'],
    /--samples: expected/,
  ],
  [
    'a unit that is not its own',
    () => [...full(), '--to', 'nemo', '--unit', 'document'],
    /--unit: .*'sequence', which nemo/,
  ],
  ['caps without a budget', () => [...full(), '--to', 'nemo', '--max-epochs', '2'], /--max-epochs: expected --budget/],
  ['caps below the budget', () => [...full(), '--to', 'nemo', '--max-epochs', '1', '--budget', '1e6'], /cap/],
  [
    'caps of no domain',
    () => [...full(), '--to', 'nemo', '--max-epochs', '{"x":1}', '--budget', '9'],
    /domains, got "x"/,
  ],
  ['paths of no domain', () => [...full(), '--to', 'nemo', '--paths', '{"x":"y"}'], /names of domains, got "x"/],
  ['a wrong stage', () => [...full(), '--to', 'levanter', '--stage', 'x'], /--stage: expected START=FILE, got "x"/],
])('%s: status 2 and one line', async (_, args, message) => {
  const run = await runMix(args());
  expect(run).toMatchObject({ status: 2, stdout: '' });
  expect(run.stderr).toMatch(/^gradsift: [^\n]+\n$/);
  expect(run.stderr).toMatch(message);
});

test('a record that was edited is refused', async () => {
  writeFileSync(at('edited.json'), readFileSync(at('full.json'), 'utf8').replace('data/md', 'data/mx'));
  const run = await runMix(['export', '--mixture', at('edited.json'), '--to', 'nemo']);
  expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining('its hash is of other content') as string });
});
