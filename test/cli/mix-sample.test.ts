import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { megatronBlend } from '../../lib/reweighting/blend.js';
import { mixtureSampler } from '../../lib/reweighting/mixture-sampler.js';
import { createMixture, mixtureText } from '../../lib/reweighting/mixture.js';
import { runMix } from './run-mix.js';

const weights = { a: 0.5, b: 0.3, c: 0.2, none: 0 };
const sizes = { a: 40, b: 7, c: 900, none: 0 };

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradsift-sample-'));
  writeFileSync(at('m.json'), mixtureText(createMixture({ method: 'dga', weights })));
  writeFileSync(
    at('other.json'),
    mixtureText(createMixture({ method: 'dga', weights: { a: 1, b: 0, c: 0, none: 0 } })),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sample = (...args: string[]) => runMix(['sample', '--mixture', at('m.json'), ...args]);
const sized = ['--sizes', JSON.stringify(sizes)];

test('the draws of the library; calls that go on from a state lose and repeat nothing', async () => {
  const sampler = mixtureSampler({ sizes, seed: 5 });
  const { samples } = sampler.draw(sampler.init(), weights, 20_000); // more than one piece
  const all = await sample(...sized, '--seed', '5', '--count', '20000');
  expect(all).toMatchObject({ status: 0, stderr: '' });
  expect(all.stdout).toBe(samples.map((each) => `${JSON.stringify(each)}\n`).join(''));
  let parts = '';
  for (const count of [1, 0, 11_999, 8000]) {
    const settings = parts === '' ? [...sized, '--seed', '5'] : [];
    parts += (await sample(...settings, '--count', String(count), '--state', at('s.json'))).stdout;
  }
  expect(parts).toBe(all.stdout);
  expect(JSON.parse(readFileSync(at('s.json'), 'utf8'))).toMatchObject({ drawn: 20_000, settings: { seed: 5, sizes } });
});

test('weights may change on the way: the next sample of a domain is its next one', async () => {
  await sample(...sized, '--count', '10', '--state', at('w.json'));
  const taken = (JSON.parse(readFileSync(at('w.json'), 'utf8')) as { taken: { a: number } }).taken.a;
  const { stdout } = await runMix(['sample', '--mixture', at('other.json'), '--count', '3', '--state', at('w.json')]);
  const only = mixtureSampler({ sizes, seed: 0 });
  const own = only.draw(only.init(), { a: 1, b: 0, c: 0, none: 0 }, taken + 3).samples.slice(taken);
  expect(stdout).toBe(own.map((each) => `${JSON.stringify(each)}\n`).join(''));
});

test("Megatron's order, with the index in each dataset; csv and npy", async () => {
  const csv = await sample('--blend', 'megatron', '--count', '10', '--format', 'csv');
  const order = megatronBlend(weights, 10).order;
  expect([...order]).toEqual([0, 1, 2, 0, 1, 0, 2, 0, 1, 0]);
  const names = Object.keys(weights);
  const seen = [0, 0, 0];
  const pairs = Array.from(order, (domain): [number, number] => [domain, seen[domain]!++]);
  expect(csv.stdout).toBe(`domain,index\n${pairs.map(([domain, index]) => `${names[domain]},${index}\n`).join('')}`);
  const npy = ['--blend', 'megatron', '--state', at('g.json'), '--out', at('g.npy'), '--quiet'];
  await sample(...npy, '--count', '4');
  expect((await sample(...npy, '--count', '6')).status).toBe(0);
  const file = readFileSync(at('g.npy'));
  expect(file.subarray(0, 128).toString('latin1')).toContain(
    "{'descr': '<i8', 'fortran_order': False, 'shape': (6, 2), }",
  );
  const numbers = new BigInt64Array(Uint8Array.from(file.subarray(128)).buffer);
  expect([...numbers].map(Number)).toEqual(pairs.slice(4).flat());
  const other = await runMix(['sample', '--mixture', at('other.json'), '--count', '3', '--state', at('g.json')]);
  expect(other).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^gradsift: --mixture: expected what/) as string,
  });
});

test('--dry-run shows draws and passes; documents of the record are sizes', async () => {
  const run = await sample('--documents', JSON.stringify(sizes), '--count', '70', '--dry-run', '--replacement');
  expect(run.stdout).toMatch(/^b +0\.300000 +7 +0 +21 +3$/m);
  expect(run.stdout).toMatch(/^none +0\.000000 +0 +0 +0 +-$/m);
  expect(run.stdout).toMatch(/^70 samples, seed 0, with replacement$/m);
});

test.each<[string, () => string[], RegExp]>([
  ['no sizes', () => ['--count', '1'], /--sizes: expected the samples of each domain/],
  ['a size missing', () => ['--count', '1', '--sizes', '{"a":1}'], /--sizes: b: expected an integer >= 0|in \[0, /],
  ['a size of no domain', () => ['--count', '1', '--sizes', JSON.stringify({ ...sizes, x: 1 })], /got "x"/],
  [
    'a domain with weight and no data',
    () => ['--count', '1', '--sizes', '{"a":1,"b":0,"c":1,"none":0}'],
    /weights\.b: .*no data/,
  ],
  ['a count that is none', () => ['--count', '-1', ...sized], /--count: expected an integer >= 0/],
  ['npy without a file', () => ['--count', '1', '--format', 'npy', ...sized], /--format npy: expected --out/],
  [
    'another seed than the state has',
    () => ['--count', '1', '--state', at('s.json'), '--seed', '6'],
    /--seed: expected what/,
  ],
  [
    'other sizes',
    () => ['--count', '1', '--state', at('s.json'), '--sizes', '{"a":1,"b":7,"c":9,"none":0}'],
    /--sizes: expected what/,
  ],
  [
    'a state that is none',
    () => ['--count', '1', '--state', at('other.json')],
    /--state: .*other\.json: expected the schema/,
  ],
])('%s: status 2 and one line', async (_, args, message) => {
  const run = await sample(...args());
  expect(run).toMatchObject({ status: 2, stdout: '' });
  expect(run.stderr).toMatch(/^gradsift: [^\n]+\n$/);
  expect(run.stderr).toMatch(message);
});

describe('--clusters: which document a draw is', () => {
  // Leaves of a tree of 2 x 2, a number a document.
  const leaves = [3, 0, 3, 1, 3, 0, 2];
  const record = (documents: Record<string, number>, given: Record<string, number>) =>
    mixtureText(
      createMixture({
        method: 'crisp',
        weights: given,
        unit: 'document',
        sources: Object.fromEntries(Object.entries(documents).map(([name, count]) => [name, { documents: count }])),
      }),
    );
  beforeAll(() => {
    const list = { schema: 'gradsift/clusters/1', documents: leaves.length, branching: [2, 2], clusters: leaves };
    writeFileSync(at('clusters.json'), JSON.stringify(list));
    writeFileSync(at('leaves.json'), record({ 0: 2, 1: 1, 2: 1, 3: 3 }, { 0: 0.5, 1: 0, 2: 0, 3: 0.5 }));
    writeFileSync(at('nodes.json'), record({ 0: 3, 1: 4 }, { 0: 1, 1: 0 }));
    writeFileSync(at('foreign.json'), record({ 0: 3, 1: 5 }, { 0: 1, 1: 0 }));
  });
  const clustered = (mixture: string, ...args: string[]) =>
    runMix(['sample', '--mixture', at(mixture), '--clusters', at('clusters.json'), ...args]);

  test.each<[string, (leaf: number) => number]>([
    ['leaves.json', (leaf) => leaf],
    ['nodes.json', (leaf) => Math.floor(leaf / 2)],
  ])('%s: the index counts the documents of the cluster in their order', async (mixture, nodeOf) => {
    const { status, stdout } = await clustered(mixture, '--count', '40', '--format', 'csv');
    expect(status).toBe(0);
    const [header, ...lines] = stdout.trimEnd().split('\n');
    expect(header).toBe('domain,index,document');
    expect(lines).toHaveLength(40);
    for (const line of lines) {
      const [domain, index, document] = line.split(',').map(Number) as [number, number, number];
      const own = leaves.flatMap((leaf, place) => (nodeOf(leaf) === domain ? [place] : []));
      expect(document).toBe(own[index]);
    }
  });

  test('npy has a third column', async () => {
    await clustered('leaves.json', '--count', '4', '--out', at('c.npy'), '--quiet');
    expect(readFileSync(at('c.npy')).toString('latin1')).toContain("'shape': (4, 3)");
  });

  test('clusters of another mixture, and draws beyond the documents', async () => {
    const foreign = await clustered('foreign.json', '--count', '1');
    expect(foreign).toMatchObject({ status: 2, stdout: '' });
    expect(foreign.stderr).toContain('--clusters: expected the clusters that the mixture was made from');
    const beyond = await clustered('leaves.json', '--count', '9', '--blend', 'megatron', '--out', at('b.jsonl'));
    expect(beyond.status).toBe(2);
    expect(existsSync(at('b.jsonl'))).toBe(false);
  });
});
