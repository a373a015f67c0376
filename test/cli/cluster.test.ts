import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeNpy } from '../../lib/gradients/write-npy.js';
import { random, seeded } from '../../lib/random.js';
import { crisp, clusterCounts } from '../../lib/reweighting/crisp.js';
import { mixtureWeights, parseMixture } from '../../lib/reweighting/mixture.js';
import { gradsift, startGradsift } from './gradsift.js';

const folder = mkdtempSync(join(tmpdir(), 'gradsift-cluster-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (...args: string[]) => gradsift(['cluster', ...args], folder);
const file = (name: string, content: string) => writeFileSync(join(folder, name), content);
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

function fine(...args: string[]) {
  const { status, stderr, stdout } = run(...args);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return { stderr, stdout };
}

/** What is refused: one line that says so. */
function refused(...args: string[]): string {
  const { status, stderr, stdout } = run(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).not.toContain('internal error');
  return stderr;
}

const EACH = 20;
const TOPICS = 4;
const D = 8;

beforeAll(async () => {
  const cursor = random(seeded(1));
  const words = (topic: number) => Array.from({ length: 12 }, () => `t${topic}w${cursor.below(15)}`).join(' ');
  const corpus = Array.from({ length: TOPICS * EACH }, (_, i) => words(Math.floor(i / EACH)));
  file('corpus.jsonl', corpus.map((text) => JSON.stringify({ text })).join('\n'));
  file('target.txt', `${words(1)}\n\n${words(1)}\n${words(1)}\n${words(3)}\n`);
  const rows = Float32Array.from({ length: 40 * D }, () => cursor.normal());
  await writeNpy(join(folder, 'x.npy'), rows, [40, D]);
  await writeNpy(join(folder, 'narrow.npy'), rows, [80, D / 2]);
  await writeNpy(
    join(folder, 'nan.npy'),
    rows.map((value, i) => (i === 3 * D ? NaN : value)),
    [40, D],
  );
  await writeNpy(
    join(folder, 'zeros.npy'),
    rows.map((value, i) => (i < D ? 0 : value)),
    [40, D],
  );
  fine('fit', '--texts', 'corpus.jsonl', '--branching', '2,2', '--dimensions', '8', '--out', 'tree.safetensors');
  fine('fit', '--embeddings', 'x.npy', '--branching', '4', '--out', 'plain.safetensors', '--quiet');
  fine('assign', '--tree', 'tree.safetensors', '--texts', 'corpus.jsonl', '--out', 'generic.json');
  fine('assign', '--tree', 'tree.safetensors', '--texts', 'target.txt', '--out', 'target.csv');
}, 60_000);

describe('from texts to a mixture', () => {
  const clusters = () => (JSON.parse(read('generic.json')) as { clusters: number[] }).clusters;

  test('topics are clusters; other texts find theirs', () => {
    const found = clusters();
    const groups = Array.from({ length: TOPICS }, (_, t) => new Set(found.slice(t * EACH, (t + 1) * EACH)));
    expect(groups.map((group) => group.size)).toEqual([1, 1, 1, 1]);
    const [, second, , fourth] = groups.map((group) => [...group][0]);
    expect(read('target.csv')).toBe(`document,cluster\n0,${second}\n1,${second}\n2,${second}\n3,${fourth}\n`);
  });

  test('lists say what they are of; every format reads back; standard output', () => {
    expect(JSON.parse(read('generic.json'))).toMatchObject({
      schema: 'gradsift/clusters/1',
      documents: TOPICS * EACH,
      branching: [2, 2],
      inputs: [{ path: 'corpus.jsonl' }],
    });
    const tree = ['assign', '--tree', 'tree.safetensors', '--texts', 'corpus.jsonl'];
    fine(...tree, '--out', 'generic.npy');
    const csv = fine(...tree, '--format', 'csv').stdout;
    expect(csv.trimEnd().split('\n').slice(1)).toEqual(clusters().map((cluster, i) => `${i},${cluster}`));
    const weights = (generic: string) => fine('weights', '--generic', generic, '--target', 'target.csv').stdout;
    expect(weights('generic.npy')).toBe(weights('generic.json'));
    const coarse = JSON.parse(fine(...tree, '--levels', '1').stdout) as { branching: number[]; clusters: number[] };
    expect(coarse.branching).toEqual([2]);
    expect(coarse.clusters).toEqual(clusters().map((leaf) => Math.floor(leaf / 2)));
  });

  test('weights are those of crisp, with documents, epochs and caps; a page shows them with texts', () => {
    const [generic, target] = [clusterCounts(clusters()), clusterCounts(csvClusters())];
    const settings = { budget: 60, maxEpochs: 2 };
    const texts = ['--texts', 'corpus.jsonl', '--target-texts', 'target.txt', '--report', 'page.html'];
    const caps = ['--budget', '60', '--max-epochs', '2'];
    const { stderr } = fine(
      ...['weights', '--generic', 'generic.json', '--target', 'target.csv', '--out', 'mixture.json'],
      ...[...caps, ...texts],
    );
    expect(stderr).toContain('held back');
    const mixture = parseMixture(read('mixture.json'));
    const plan = crisp({ generic, target, ...settings });
    expect(mixtureWeights(mixture)).toEqual(plan.weights);
    expect(mixture).toMatchObject({ method: 'crisp', unit: 'document' });
    for (const { name, documents, epochs, cap } of mixture.domains) {
      expect({ documents, epochs, cap }).toEqual({ documents: EACH, epochs: plan.epochs?.[name], cap: 2 });
    }
    const page = read('page.html');
    expect(page).toContain('What the heaviest clusters hold');
    expect(page).toMatch(/<li title="corpus">t1w\d/);
    expect(page).toContain('--max-epochs 2');
  });

  test('coarser levels, several targets, smoothing', () => {
    const weigh = (...more: string[]) =>
      mixtureWeights(parseMixture(fine('weights', '--generic', 'generic.json', ...more).stdout));
    const leaves = weigh('--target', 'target.csv');
    const coarse = weigh('--target', 'target.csv', '--levels', '1');
    for (const [node, weight] of Object.entries(coarse)) {
      expect(weight).toBe(leaves[String(2 * Number(node))]! + leaves[String(2 * Number(node) + 1)]!);
    }
    // The corpus itself as a second target: uniform over its four clusters of the same size.
    const both = weigh('--target', 'target.csv', '--target', 'generic.json', '--task-weights', '3,1');
    for (const [cluster, weight] of Object.entries(both)) {
      expect(Math.abs(weight - (0.75 * leaves[cluster]! + 0.25 / 4))).toBeLessThan(16 * 2 ** -53);
    }
    const smoothed = weigh('--target', 'target.csv', '--smoothing', 'generic:0.25');
    for (const [cluster, weight] of Object.entries(smoothed)) {
      expect(Math.abs(weight - (0.75 * leaves[cluster]! + 0.25 / 4))).toBeLessThan(16 * 2 ** -53);
    }
  });

  function csvClusters(): number[] {
    const lines = read('target.csv').trimEnd().split('\n').slice(1);
    return lines.map((line) => Number(line.split(',')[1]));
  }
});

test('the plan, and the same file from a run that keeps its embeddings', () => {
  const fit = ['fit', '--texts', 'corpus.jsonl', '--branching', '2,2', '--dimensions', '8'];
  const before = readdirSync(folder);
  const plan = JSON.parse(fine(...fit, '--out', 'new.safetensors', '--dry-run').stdout) as Record<string, unknown>;
  expect(plan).toMatchObject({ documents: TOPICS * EACH, dimensions: 8, passes: 3 });
  expect(fine(...fit, '--out', 'new.safetensors', '--dry-run', '--format', 'table').stdout).toContain('to compute');
  expect(readdirSync(folder)).toEqual(before);
  fine(...fit, '--out', 'new.safetensors', '--save-embeddings', 'kept.npy', '--threads', '1');
  expect(readFileSync(join(folder, 'new.safetensors')).equals(readFileSync(join(folder, 'tree.safetensors')))).toBe(
    true,
  );
});

describe('bad input', () => {
  const badFit = (...more: string[]) => refused('fit', '--branching', '4', '--out', 'none.safetensors', ...more);
  test('of fit', () => {
    expect(badFit('--texts', 'missing.txt')).toContain('missing.txt');
    expect(badFit('--embeddings', 'zeros.npy')).toContain('row 0 is all zeros');
    expect(badFit('--embeddings', 'nan.npy')).toContain('row 3 holds NaN');
    expect(badFit('--embeddings', 'x.npy', '--samples', '41')).toContain('--samples');
    file('empty.txt', '\n');
    expect(badFit('--texts', 'empty.txt')).toContain('--texts');
    file('blank.jsonl', '{"text":"a"}\n{"text":" "}');
    expect(badFit('--texts', 'blank.jsonl')).toContain('blank.jsonl, line 2');
    expect(readdirSync(folder).filter((name) => name.includes('none'))).toEqual([]);
  });

  test('of assign', () => {
    const assign = (...more: string[]) => refused('assign', ...more);
    expect(assign('--tree', 'plain.safetensors', '--embeddings', 'narrow.npy')).toContain('embeddings of 8 numbers');
    expect(assign('--tree', 'plain.safetensors', '--texts', 'target.txt')).toContain('--embeddings');
    file('empty.txt', '\n');
    expect(assign('--tree', 'tree.safetensors', '--texts', 'empty.txt')).toContain(
      'at least one document in empty.txt',
    );
    file('unheard.txt', 't0w1 t0w2\nunheard\n');
    expect(assign('--tree', 'tree.safetensors', '--texts', 'unheard.txt')).toContain('unheard.txt, line 2');
  });

  test('of weights', () => {
    const weights = (...more: string[]) => refused('weights', '--generic', 'generic.json', ...more);
    file('other.json', JSON.stringify({ schema: 'gradsift/clusters/1', branching: [4], clusters: [0] }));
    expect(weights('--target', 'other.json')).toContain('a tree 2,2');
    file('far.csv', 'document,cluster\n0,4\n');
    expect(weights('--target', 'far.csv')).toContain('far.csv, document 0');
    const report = ['--report', 'none.html', '--texts', 'target.txt'];
    expect(weights('--target', 'target.csv', '--out', 'w.json', ...report)).toContain('80 documents, as clustered');
    expect(readdirSync(folder)).not.toContain('w.json');
    file('thin.csv', 'document,cluster\n0,0\n');
    expect(refused('weights', '--generic', 'thin.csv', '--target', 'target.csv')).toContain('--uncovered');
  });
});

test('Ctrl-C: status 130, nothing left behind', async () => {
  // 40 documents in 7 clusters of at most 5 (1.01 x 40 / 7): some move in every step, so that this never ends.
  const endless = ['--branching', '7', '--iterations', '100000000', '--balance', '1.01', '--out', 'never.safetensors'];
  const child = startGradsift(['cluster', 'fit', '--embeddings', 'x.npy', ...endless], folder);
  const exit = once(child, 'exit') as Promise<[number | null]>;
  await sleep(1500);
  child.kill('SIGINT');
  const [code] = await exit;
  // A machine so busy that Node was still starting ends it by the signal.
  expect([130, null]).toContain(code);
  expect(readdirSync(folder).filter((name) => name.includes('never'))).toEqual([]);
});
