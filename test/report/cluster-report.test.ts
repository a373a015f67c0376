import { parseHTML } from 'linkedom';
import { concentrationCurve, corpusShareOf, epochBins } from '../../lib/report/cluster-figures.js';
import { clusterReport, type ClusterReportInput } from '../../lib/report/index.js';
import { crisp, type CrispOptions } from '../../lib/reweighting/crisp.js';
import { createMixture } from '../../lib/reweighting/mixture.js';

interface Node {
  readonly textContent: string;
  querySelectorAll(selector: string): Iterable<Node> & { readonly length: number };
}
const parse = (page: string) => (parseHTML(page) as unknown as { document: Node }).document;

/** Specification 6.6: weights 0.6, 0.3, 0.1, 0; a budget of 5000 passes 3, 0.75, 1/6 and 0 times. */
const COUNTS = {
  target: { 0: 6, 1: 3, 2: 1 },
  generic: { 0: 1000, 1: 2000, 2: 3000, 3: 4000 },
};

function inputOf(options: Partial<CrispOptions> = {}, more: Partial<ClusterReportInput> = {}): ClusterReportInput {
  const all = { ...COUNTS, budget: 5000, ...options };
  const plan = crisp(all);
  const mixture = createMixture({ method: 'crisp', weights: plan.weights, unit: 'document' });
  const { target, generic, budget, maxEpochs, uncovered, branching } = all;
  return { plan, mixture, target, generic, budget, maxEpochs, uncovered, branching, ...more };
}

const shares = [
  { cluster: '0', generic: 0.1, target: 0.6, weight: 0.6 },
  { cluster: '1', generic: 0.2, target: 0.3, weight: 0.3 },
  { cluster: '2', generic: 0.3, target: 0.1, weight: 0.1 },
  { cluster: '3', generic: 0.4, target: 0, weight: 0 },
];

describe('figures', () => {
  test('the curve begins with what is most sought; shares are read off it between its points', () => {
    const points = concentrationCurve(shares);
    const expected = [0, 0.1, 0.3, 0.6, 1];
    points.forEach(({ corpus }, i) => expect(Math.abs(corpus - expected[i]!)).toBeLessThan(2 ** -50));
    expect(Math.abs(corpusShareOf(points, 0.3) - 0.05)).toBeLessThan(2 ** -50);
    expect(Math.abs(corpusShareOf(points, 0.75) - 0.2)).toBeLessThan(2 ** -50);
    expect(corpusShareOf(points, 0)).toBe(0);
    expect(Math.abs(corpusShareOf(points, 1) - 0.6)).toBeLessThan(2 ** -50);
  });

  test('passes are counted where their bin ends; clusters never drawn are in none', () => {
    const bins = epochBins(shares, { 0: 4, 1: 0.5, 2: 0.5, 3: 0 });
    expect(bins.map(({ clusters }) => clusters)).toEqual([0, 2, 0, 0, 1]);
    expect(bins[1]?.drawn).toBe(0.3 + 0.1);
    expect(epochBins(shares, { 0: 1000, 1: 1, 2: 1 }).at(-1)).toMatchObject({ name: 'over 64', clusters: 1 });
  });
});

describe('clusterReport', () => {
  test('facts, figures and the table of the worked example', () => {
    const page = parse(clusterReport(inputOf()));
    const facts = [...page.querySelectorAll('.facts dd')].map(({ textContent }) => textContent);
    expect(facts).toEqual(['10,000', '10', '3 of 4', '24 %', '100 %', '3']);
    expect(page.querySelectorAll('figure svg')).toHaveLength(3);
    expect(page.querySelectorAll('.warning')).toHaveLength(0);
    const [first] = page.querySelectorAll('#weights tbody tr');
    const cells = [...first!.querySelectorAll('td')].map(({ textContent }) => textContent);
    expect(cells).toEqual(['0', '60 %', '6', '60 %', '10 %', '1,000', '3']);
  });

  test('no budget: nothing about passes; examples are escaped and marked', () => {
    const examples = [{ cluster: '0', generic: ['<script>x</script>', 'b'], target: ['c'] }];
    const text = clusterReport(inputOf({ budget: undefined }, { examples, title: 'A & B' }));
    const page = parse(text);
    expect(page.querySelectorAll('#epochs')).toHaveLength(0);
    expect(page.querySelectorAll('script')).toHaveLength(0);
    expect([...page.querySelectorAll('.excerpts li')].map(({ textContent }) => textContent)).toEqual([
      'c',
      '<script>x</script>',
      'b',
    ]);
    expect(text).toContain('<h1>A &amp; B</h1>');
  });

  test('warnings: clusters held back, targets without corpus', () => {
    const target = { ...COUNTS.target, 9: 10 };
    const lost = { target, uncovered: 'drop' as const, maxEpochs: 2 };
    const [first, second] = parse(clusterReport(inputOf(lost))).querySelectorAll('.warning');
    expect(first?.textContent).toContain('50 % (10 documents) of the target set');
    expect(first?.textContent).toContain('left out');
    expect(second?.textContent).toContain('1 cluster would be passed over more than 2 times');
    const given = clusterReport(inputOf({ target, uncovered: 'parent', branching: [2, 8] }));
    expect(given).toContain('nearest clusters');
  });

  test('thousands of clusters are drawn at a coarser level of the tree', () => {
    const generic = Object.fromEntries(Array.from({ length: 4096 }, (_, c) => [String(c), 1 + (c % 7)]));
    const tall = inputOf({ generic, target: { 5: 1, 4000: 2 }, branching: [64, 64] });
    const page = parse(clusterReport(tall));
    const [caption] = page.querySelectorAll('#histogram figcaption');
    expect(caption?.textContent).toContain('level 1');
    // Without a tree there is no order to draw them in.
    const flat = parse(clusterReport({ ...tall, branching: undefined }));
    expect(flat.querySelectorAll('#histogram')).toHaveLength(0);
  });
});
