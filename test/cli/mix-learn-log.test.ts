import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doge } from '../../lib/reweighting/doge.js';
import { doremi } from '../../lib/reweighting/doremi.js';
import { loadMixture, mixtureWeights, parseMixture } from '../../lib/reweighting/mixture.js';
import { gradsift } from './gradsift.js';
import { learn, weightsOf } from './run-mix.js';

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradsift-mix-log-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('from logs', () => {
  const write = (name: string, lines: readonly object[]) => {
    writeFileSync(at(name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return at(name);
  };

  test('golden vectors, through the command', async () => {
    const gram = { a: { a: 5, b: 2, c: 2 }, b: { a: 2, b: 2, c: -1 }, c: { a: 2, b: -1, c: 5 } };
    const path = write('doge.jsonl', [{ step: 1, learningRate: 1e-3, gram }]);
    const expected = doge({ variant: 'official' });
    const state = expected.update(expected.init(['a', 'b', 'c']), { learningRate: 1e-3, gram });
    const learned = await weightsOf('--rule', 'doge', '--variant', 'official', '--log', path);
    expect(learned).toEqual(expected.learned(state));
    expect((learned['a'] as number).toFixed(12)).toBe('0.343576751724');
    // A learning rate for lines that have none.
    const bare = write('bare.jsonl', [{ gram }]);
    expect(
      await weightsOf('--rule', 'doge', '--variant', 'official', '--log', bare, '--learning-rate', '1e-3'),
    ).toEqual(learned);
  });

  test.each<[string, string[], object[]]>([
    [
      'doremi',
      ['--initial', '{"a":0.5,"b":0.3,"c":0.2}', '--smoothing', '1e-3'],
      [{ excessLoss: { a: 0.4, b: 0, c: 0.1 } }],
    ],
    ['odm', ['--domains', 'a,b,c'], [3, 2, 2.5, 1.5].map((loss, i) => ({ loss: { ['abac'[i] as string]: loss } }))],
    [
      'aioli',
      [],
      [
        {
          sweeps: ['a', 'b'].map((own) => ({
            mixture: { a: own === 'a' ? 0.7 : 0.3, b: own === 'a' ? 0.3 : 0.7 },
            decrease: { a: 0.2, b: 0.1 },
          })),
        },
      ],
    ],
  ])('%s', async (rule, args, lines) => {
    const weights = await weightsOf('--rule', rule, '--log', write(`${rule}.jsonl`, lines), ...args);
    if (rule === 'odm') expect((weights['a'] as number).toFixed(12)).toBe('0.341427762258');
    if (rule === 'doremi') {
      const same = doremi({ smoothing: 1e-3 });
      const first = same.init(['a', 'b', 'c'], { a: 0.5, b: 0.3, c: 0.2 });
      expect(weights).toEqual(same.learned(same.update(first, { excessLoss: { a: 0.4, b: 0, c: 0.1 } })));
    }
    const sum = Object.values(weights).reduce((part, weight) => part + weight, 0);
    expect(Math.abs(sum - 1)).toBeLessThanOrEqual(8 * 2 ** -53); // a division each, and their sum
  });

  test('RegMix: the mixtures to train, then their losses; a planted law is found', async () => {
    const domains = ['--domains', 'a,b,c', '--rule', 'regmix', '--seed', '4', '--degree', 'linear'];
    const proposed = (await learn(...domains, '--propose', '12')).stdout.trimEnd().split('\n');
    const runs = proposed.map((line) => JSON.parse(line) as { n: number; mixture: Record<string, number> });
    expect(runs.map(({ n }) => n)).toEqual(Array.from({ length: 12 }, (_, n) => n));
    const path = write(
      'runs.jsonl',
      runs.map(({ mixture }) => ({ mixture, loss: 3 * mixture['a']! + 2 * mixture['b']! + 2.5 * mixture['c']! })),
    );
    expect((await weightsOf(...domains, '--log', path))['b']).toBeGreaterThan(0.9);
    const few = await learn(...domains, '--log', write('few.jsonl', [{ mixture: runs[0]!.mixture, loss: 1 }]));
    expect(few).toMatchObject({ status: 3, stderr: expect.stringContaining('too few runs') as string });
    expect(mixtureWeights(parseMixture(few.stdout))).toEqual({ a: 1 / 3, b: 1 / 3, c: 1 / 3 });
  });

  test('a mixture of one domain is worth a look: status 3, and it is written all the same', async () => {
    const path = write('steep.jsonl', [{ alignment: { a: 9, b: 0 } }]);
    const run = await learn('--rule', 'dga', '--log', path);
    expect(run).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^gradsift: dga: a has 0\.9999 of/) as string,
    });
    expect(mixtureWeights(parseMixture(run.stdout))['a']).toBeGreaterThan(0.99);
    // A cap on weights keeps the rule from it, and so says what to do.
    expect((await learn('--rule', 'dga', '--log', path, '--cap', '{"a":0.6}')).status).toBe(0);
    const silent = await learn('--rule', 'dga', '--log', path, '--domains', 'a,b,idle', '--step-size', '0.1');
    expect(silent).toMatchObject({ status: 3, stderr: 'gradsift: dga: no evidence of idle\n' });
  });

  test('every output, and a page that holds the parts that the log has', async () => {
    const steps = Array.from({ length: 6 }, (_, n) => ({
      step: 10 * n + 10,
      alignment: { a: 0.2, b: n - 2 },
      norms: { a: 1, b: 2 },
      targetNorm: 1,
    }));
    const path = write('full.jsonl', steps);
    const outs = { out: at('m.csv'), report: at('r.html'), 'save-state': at('s.json'), 'save-log': at('l.jsonl') };
    const flags = Object.entries(outs).flatMap(([name, file]) => [`--${name}`, file]);
    const run = await learn(
      '--rule',
      'dga',
      '--target',
      'wiki',
      '--log',
      path,
      '--tokens',
      '{"a":10,"b":30}',
      ...flags,
    );
    expect(run).toMatchObject({ status: 0, stdout: '' });
    expect(run.stderr.split('\n').map((line) => line.split(' in ')[0])).toEqual([
      'gradsift: mixture',
      'gradsift: state',
      'gradsift: log',
      'gradsift: report',
      '',
    ]);
    expect(readFileSync(outs.out, 'utf8')).toMatch(/^domain,weight,before\na,0\.\d+,0\.5\nb,0\.\d+,0\.5\n$/);
    const page = readFileSync(outs.report, 'utf8');
    expect([...page.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id)).toEqual([
      'weights',
      'course',
      'alignment',
      'inputs',
    ]);
    expect(page).toContain('Domain weights for wiki');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const table = (await learn('--log', outs['save-log'], '--format', 'table')).stdout;
    expect(table).toMatch(/^domain +weight +before +times\nb /);
    expect(table).toMatch(/2 domains, as even as [\d.]+ equal weights; dga, 6 updates\n$/);
  });
});

test('static rules need no evidence', async () => {
  const tokens = ['--tokens', '{"a":1000,"b":3000,"none":0}'];
  expect(await weightsOf('--rule', 'proportional', ...tokens)).toEqual({ a: 0.25, b: 0.75, none: 0 });
  expect(await weightsOf('--rule', 'uniform', '--domains', 'a,b')).toEqual({ a: 0.5, b: 0.5 });
  expect(await weightsOf('--rule', 'uniform', '--domains', 'one')).toEqual({ one: 1 });
  const hot = await weightsOf('--rule', 'temperature', '--temperature', '2', ...tokens);
  const ratio = (hot['b'] as number) / (hot['a'] as number);
  expect(Math.abs(ratio / Math.sqrt(3) - 1)).toBeLessThanOrEqual(8 * 2 ** -53); // powers, shares and a quotient
  const kept = ['--tokenizer', 'gpt2', '--paths', '{"a":"data/a"}', '--out', at('kept-known.json'), '--quiet'];
  expect((await learn('--rule', 'proportional', ...tokens, ...kept)).status).toBe(0);
  expect(await loadMixture(at('kept-known.json'))).toMatchObject({
    method: 'proportional',
    tokenizer: 'gpt2',
    step: null,
    domains: [{ name: 'a', path: 'data/a', tokens: 1000 }, { tokens: 3000 }, { tokens: 0 }],
  });
});

test('the built command: the record on standard output, messages and status as everywhere', () => {
  const run = gradsift(['mix', 'learn', '--rule', 'uniform', '--domains', 'a,b']);
  expect(run).toMatchObject({ status: 0, stderr: '' });
  expect(mixtureWeights(parseMixture(run.stdout))).toEqual({ a: 0.5, b: 0.5 });
  expect(gradsift(['mix', 'learn', '--rule', 'x', '--log', 'y'])).toMatchObject({ status: 2, stdout: '' });
  expect(gradsift(['mix'])).toMatchObject({ status: 2, stdout: '' });
});
