import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGradientWriter } from '../../lib/gradients/gradient-writer.js';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { alignments } from '../../lib/reweighting/alignments.js';
import { dga } from '../../lib/reweighting/dga.js';
import { readMixLog } from '../../lib/reweighting/mix-log.js';
import { data, train, val } from './gradsift.js';
import { learn, weightsOf } from './run-mix.js';

/** Real gradients, a store a step: 120 samples of the digits each, averaged by domain. */
const STEPS = 5;
const ROWS = 120;
const truth = JSON.parse(readFileSync(join(data, 'truth.json'), 'utf8')) as { flipped: number[] };

let folder: string;
const at = (name: string) => join(folder, name);
const store = (step: number) => at(`step-${step * 5}.safetensors`);
/** The domain of each row, the same in every store: by place, so that each store's domains are others. */
const rows = Array.from({ length: ROWS }, (_, row) => ['a', 'b', 'c'][row % 3] as string);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradsift-mix-'));
  const all = await openGradients(train);
  const blocks = new Map<string, Float32Array>();
  for (const layer of all.layers) {
    for await (const block of all.blocks(layer, { blockSamples: 600 })) {
      blocks.set(layer.name, Float32Array.from(block.rows));
    }
  }
  for (let step = 1; step <= STEPS; ++step) {
    const writer = await openGradientWriter(store(step), { samples: ROWS, layers: all.layers });
    const part = all.layers.map(({ name, r, d }) => {
      const length = r * d * ROWS;
      return [name, (blocks.get(name) as Float32Array).slice((step - 1) * length, step * length)] as const;
    });
    await writer.append(Object.fromEntries(part));
    await writer.finish();
  }
  await all.close();
  writeFileSync(at('rows.json'), JSON.stringify(rows));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const gradients = () => ['--domains', at('rows.json'), '--gradients', at('step-*.safetensors')];
const towards = () => ['--target', 'val', '--target-gradients', val];

describe('from real gradients', () => {
  /** What the library makes of the same stores. */
  async function inMemory() {
    const rule = dga({ target: 'val', stepSize: 3, scoreNorm: 'cosine' });
    let state = rule.init(['a', 'b', 'c']);
    const target = await openGradients(val);
    for (let step = 1; step <= STEPS; ++step) {
      const opened = await openGradients(store(step));
      const { alignment = {}, norms, targetNorm } = await alignments({ gradients: opened, rows, target });
      state = rule.update(state, { alignment, norms, targetNorm });
      await opened.close();
    }
    await target.close();
    return rule.learned(state);
  }
  const settings = ['--rule', 'dga', '--step-size', '3', '--score-norm', 'cosine'];

  test('the bits of the library, in the order of the steps; its log replays without them', async () => {
    const expected = await inMemory();
    expect(Math.max(...Object.values(expected))).toBeGreaterThan(0.4); // there is something to learn
    const more = ['--save-log', at('dga.jsonl'), '--quiet'];
    expect(await weightsOf(...settings, ...gradients(), ...towards(), ...more)).toEqual(expected);
    expect((await readMixLog(at('dga.jsonl'))).steps.map(({ step }) => step)).toEqual([5, 10, 15, 20, 25]);
    expect(await weightsOf('--log', at('dga.jsonl'))).toEqual(expected);
    expect(await weightsOf('--log', at('dga.jsonl'), ...settings)).toEqual(expected);
    expect(await weightsOf('--log', at('dga.jsonl'), '--rule', 'dga', '--step-size', '1')).not.toEqual(expected);
  });

  test('five steps at once, or two and the rest from where they stopped: the same bits', async () => {
    const input = (first: number, last: number) => [
      '--gradients',
      ...Array.from({ length: last - first + 1 }, (_, n) => store(first + n)).reverse(), // a shell may list them so
    ];
    const named = ['--domains', at('rows.json'), ...towards()];
    const outs = (name: string) => ['--out', at(`${name}.json`), '--save-state', at(`${name}-state.json`), '--quiet'];
    const smooth = ['--smoothing', '0.01', '--ema', '0.5,apart'];
    expect((await learn(...settings, ...smooth, ...named, ...input(1, 5), ...outs('whole'))).status).toBe(0);
    expect((await learn(...settings, ...smooth, ...named, ...input(1, 2), ...outs('part'))).status).toBe(0);
    expect((await learn('--resume', at('part-state.json'), ...named, ...input(3, 5), ...outs('rest'))).status).toBe(0);
    expect(readFileSync(at('rest.json'), 'utf8')).toBe(readFileSync(at('whole.json'), 'utf8'));
    expect(readFileSync(at('rest-state.json'), 'utf8')).toBe(readFileSync(at('whole-state.json'), 'utf8'));
    // Steps that the state has seen count once.
    const again = await learn('--resume', at('part-state.json'), ...named, ...input(1, 5), '--out', at('again.json'));
    expect(again.stderr).toContain('gradsift: 2 steps up to step 10 are in the state already\n');
    expect(readFileSync(at('again.json'), 'utf8')).toBe(readFileSync(at('whole.json'), 'utf8'));
  });

  test('the target may be rows of the same store; DoGE without one is universal', async () => {
    const wrong = new Set(truth.flipped);
    const names = Array.from({ length: 600 }, (_, row) => (row < 60 ? 'clean' : wrong.has(row) ? 'wrong' : 'right'));
    const clean = names.map((name, row) => (name === 'clean' && wrong.has(row) ? 'wrong' : name));
    writeFileSync(at('clean.txt'), clean.join('\n'));
    const input = ['--gradients', train, '--domains', at('clean.txt')];
    // Right labels pull where clean ones do; wrong labels do not.
    const out = await weightsOf(
      '--rule',
      'doge',
      '--target',
      'clean',
      '--step-size',
      '1',
      '--score-norm',
      'cosine',
      ...input,
    );
    expect(Object.keys(out)).toEqual(['wrong', 'right']);
    expect(out['right']).toBeGreaterThan(0.6);
    const universal = await weightsOf('--rule', 'doge', '--variant', 'official', '--learning-rate', '0.01', ...input);
    expect(Object.keys(universal).sort()).toEqual(['clean', 'right', 'wrong']);
  });

  test('GRAPE: tasks and the training step are rows too', async () => {
    const names = ['x', 'y', 'task', 'other', 'batch'];
    writeFileSync(at('grape.json'), JSON.stringify(rows.map((_, row) => names[row % 5])));
    const input = ['--gradients', store(1), '--domains', at('grape.json'), '--tasks', 'task,other'];
    const out = await weightsOf('--rule', 'grape', '--batch-row', 'batch', ...input);
    expect(Object.keys(out)).toEqual(['x', 'y']);
    expect(await learn('--rule', 'grape', ...input)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--batch-row') as string,
    });
  });

  test('--dry-run: what would be read, and nothing written', async () => {
    const input = ['--rule', 'dga', ...gradients(), ...towards(), '--out', at('dry.json'), '--dry-run'];
    const plan = JSON.parse((await learn(...input)).stdout) as {
      updates: number;
      bytesRead: number;
      domains: string[];
    };
    expect(plan).toMatchObject({ rule: 'dga', target: 'val', updates: STEPS, domains: ['a', 'b', 'c'] });
    // Rows of 6 layers of rank 4: three of each step, averaged, and the target's.
    expect(plan.bytesRead).toBe(STEPS * (ROWS + 120) * 4 * rowEntries());
    expect((await learn(...input, '--format', 'table')).stdout).toMatch(/step-25\.safetensors +25 +120 +6 /);
    expect(existsSync(at('dry.json'))).toBe(false);
  });

  test('NaN in a gradient: status 2, the row named, nothing written, the old state untouched', async () => {
    writeFileSync(at('kept.json'), 'kept');
    const nan = join(data, 'hard/nan.safetensors');
    const run = await learn(
      '--rule',
      'doge',
      '--step-size',
      '1',
      '--gradients',
      nan,
      '--domains',
      'a,b,c,d,e',
      '--out',
      at('kept.json'),
    );
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(/nan\.safetensors.*row 3.*NaN/);
    expect(readFileSync(at('kept.json'), 'utf8')).toBe('kept');
  });
});

function rowEntries(): number {
  const header = readFileSync(store(1));
  const { length } = header.subarray(8, 8 + Number(header.readBigUInt64LE(0)));
  return (header.length - 8 - length) / 4 / ROWS;
}

describe('bad input: status 2, one line, nothing written', () => {
  beforeAll(() => {
    writeFileSync(at('no.jsonl'), '{"step":1,"alignment":{"a":1,"b":2}}\nnot json\n{"step":3,"alignment":{"a":1}}\n');
    writeFileSync(at('nan.jsonl'), '{"alignment":{"a":1,"b":2}}\n{"alignment":{"a":NaN,"b":2}}\n');
    writeFileSync(at('strange.jsonl'), '{"alignment":{"a":1,"b":2}}\n{"alignment":{"a":1,"c":2}}\n');
    writeFileSync(at('fine.jsonl'), '{"alignment":{"a":1,"b":2}}\n');
    writeFileSync(
      at('bad-state.json'),
      '{"schema":"gradsift/mix-state/1","rule":"dga","options":{},"step":1,"state":{}}',
    );
    const state = dga().init(['a', 'b']);
    const swapped = { schema: 'gradsift/mix-state/1', rule: 'doremi', options: {}, step: 9, state };
    writeFileSync(at('swapped-state.json'), JSON.stringify(swapped));
  });
  const fine = () => ['--rule', 'dga', '--log', at('fine.jsonl')];

  test.each<[string, () => string[], RegExp]>([
    ['no rule', () => ['--domains', 'a,b'], /^gradsift: --rule: expected one of doge, dga/],
    ['an unknown rule', () => ['--rule', 'dog', '--log', 'x'], /--rule: expected one of .*, got "dog"/],
    ['a file that is not there', () => ['--rule', 'dga', '--log', 'none.jsonl'], /none\.jsonl: cannot be read/],
    ['a line that is no JSON', () => ['--rule', 'dga', '--log', at('no.jsonl')], /no\.jsonl, line 2: not JSON/],
    ["Python's NaN", () => ['--rule', 'dga', '--log', at('nan.jsonl')], /nan\.jsonl, line 2: holds NaN or infinity/],
    ['a name that is no domain', () => ['--rule', 'dga', '--log', at('strange.jsonl')], /line 2: alignment: .*got "c"/],
    ['a target that is a domain', () => [...fine(), '--target', 'a'], /--target: .*none of the domains.*"a"/],
    ['a domain twice', () => [...fine(), '--domains', 'a,b,a'], /--domains: expected each name once, got "a"/],
    [
      'weights that do not sum to 1',
      () => [...fine(), '--initial', '{"a":0.5,"b":0.6}'],
      /--initial: .*sum to 1, got 1\.1/,
    ],
    ['an option of another rule', () => [...fine(), '--mu', '1'], /--mu: is an option of doge, not of dga/],
    ['an option out of range', () => [...fine(), '--ema', '2'], /--ema.*: expected a number in \(0, 1\], got 2/],
    ['evidence for another rule', () => ['--rule', 'odm', '--log', at('fine.jsonl')], /fine\.jsonl, line 1: loss/],
    ['both kinds of evidence', () => [...fine(), '--gradients', 'x'], /--log, --gradients: expected one of them/],
    [
      'rows without names',
      () => ['--rule', 'dga', '--gradients', store(1)],
      /--domains: expected the name of each row/,
    ],
    [
      'too few names',
      () => ['--rule', 'doge', '--gradients', store(1), '--domains', 'a,b'],
      /names of 120 rows.*got 2/,
    ],
    ['no target', () => ['--rule', 'dga', ...gradients()], /--target-gradients: expected the gradients of the target/],
    [
      'a rule of losses',
      () => ['--rule', 'odm', ...gradients()],
      /--gradients: odm learns from losses: expected --log/,
    ],
    [
      'a pattern that matches nothing',
      () => ['--rule', 'dga', '--gradients', at('q*'), '--domains', 'a'],
      /q\* matches no file/,
    ],
    ['sizes of no domain', () => [...fine(), '--tokens', '{"z":1}'], /expected names of domains, got "z"/],
    ['no sizes', () => ['--rule', 'proportional', '--domains', 'a'], /--tokens: expected the tokens of each domain/],
    [
      'a domain twice in JSON',
      () => ['--rule', 'proportional', '--tokens', '{"a":1,"a":2}'],
      /--tokens.*"a" is given twice/,
    ],
    ['no data at all', () => ['--rule', 'proportional', '--tokens', '{"a":0,"b":0}'], /at least one number > 0/],
    ['no evidence', () => ['--rule', 'dga', '--domains', 'a,b'], /expected evidence for dga, got none/],
    [
      'a damaged state',
      () => ['--resume', at('bad-state.json'), '--log', at('fine.jsonl')],
      /bad-state\.json: state: expected a state of the rule 'dga'/,
    ],
    ['a state that is not there', () => [...fine(), '--resume', 'none.json'], /--resume: none\.json cannot be read/],
    [
      'a state of another rule, with nothing new',
      () => ['--resume', at('swapped-state.json'), '--log', at('fine.jsonl')],
      /--resume: .*swapped-state\.json: state: expected a state of the rule 'doremi', got "dga"/,
    ],
    ['first weights of no record', () => [...fine(), '--initial', '{"domains":[null]}'], /--initial.domains: expected/],
    [
      'first weights of a damaged record',
      () => [...fine(), '--initial', '{"schema":"gradsift/mixture/1","domains":[null]}'],
      /--initial: expected a list of domains/,
    ],
    ['an output that is an input', () => [...fine(), '--out', at('fine.jsonl')], /is an input of this command as well/],
  ])('%s', async (_, args, message) => {
    const run = await learn('--out', at('never.json'), '--save-state', at('never-state.json'), ...args());
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(/^gradsift: [^\n]+\n$/);
    expect(run.stderr).toMatch(message);
    expect([existsSync(at('never.json')), existsSync(at('never-state.json'))]).toEqual([false, false]);
  });
});
