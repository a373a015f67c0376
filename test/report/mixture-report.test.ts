import { parseHTML } from 'linkedom';
import { mixtureReport, type MixtureReportInput } from '../../lib/report/index.js';
import { createMixture } from '../../lib/reweighting/mixture.js';
import type { MixLogStep } from '../../lib/reweighting/mix-log.js';

interface Node {
  readonly textContent: string;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<Node> & { readonly length: number };
}
const parse = (page: string) => (parseHTML(page) as unknown as { document: Node }).document;
const texts = (nodes: Iterable<Node>) => [...nodes].map(({ textContent }) => textContent.replace(/\s+/g, ' ').trim());
const sections = (document: Node) => [...document.querySelectorAll('section')].map((each) => each.getAttribute('id'));

const steps = (count: number, more: (n: number) => Partial<MixLogStep> = () => ({})): MixLogStep[] =>
  Array.from({ length: count }, (_, n) => ({
    step: n,
    weights: { 'a <b>': 0.5 - 0.001 * n, c: 0.5 + 0.001 * n },
    lossByDomain: n % 2 === 0 ? { c: 3 } : { 'a <b>': 4 - n / count },
    ...more(n),
  }));
const fixture = (changes: Partial<MixtureReportInput> = {}): MixtureReportInput => ({
  mixture: createMixture({ method: 'dga', weights: { 'a <b>': 0.25, c: 0.75 }, step: 4 }),
  steps: steps(100),
  ...changes,
});

describe('mixtureReport', () => {
  test('a target: alignments over the steps, losses of domains and target', () => {
    const evidence = { alignment: { 'a <b>': -1, c: 2 }, norms: { 'a <b>': 2, c: 4 }, targetNorm: 1 };
    const told = (n: number) => (n % 25 === 24 ? { evidence, targetLoss: 2 } : {});
    const page = mixtureReport(fixture({ steps: steps(100, told), target: 'wiki & co', warnings: ['look <here>'] }));
    const document = parse(page);
    expect(sections(document)).toEqual(['weights', 'course', 'alignment', 'loss', 'inputs']);
    expect(document.querySelectorAll('figure svg').length).toBe(5);
    expect(texts(document.querySelectorAll('h1'))).toEqual(['Domain weights for wiki & co']);
    expect(texts(document.querySelectorAll('.warning'))).toEqual(['look <here>']);
    expect(texts(document.querySelectorAll('#weights tbody tr:first-child td'))).toEqual([
      'c',
      '0.7500',
      '0.5000',
      '1.5',
    ]);
    expect(texts(document.querySelectorAll('#alignment figcaption'))[0]).toContain('Cosine between');
    expect(texts(document.querySelectorAll('#alignment figcaption'))[0]).toContain('the strongest is 0.5.');
    expect(texts(document.querySelectorAll('#course figcaption'))[0]).not.toContain('mean');
  });

  test('products of pairs: the mean of their cosines; a rule whose answer is a mean says so', () => {
    const gram = { 'a <b>': { 'a <b>': 4, c: 3 }, c: { 'a <b>': 3, c: 9 } };
    const learned = { 'a <b>': 0.25, c: 0.75 };
    const page = mixtureReport(fixture({ steps: steps(3, () => ({ evidence: { gram }, learned })) }));
    const document = parse(page);
    expect(texts(document.querySelectorAll('#alignment svg text'))).toContain('0.500');
    expect(texts(document.querySelectorAll('#course figcaption'))[0]).toContain('the mean of these weights');
  });

  test('names are text; nothing comes from outside', () => {
    const page = mixtureReport(fixture());
    expect(page).not.toContain('<b>');
    expect(page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:|<script|<link/);
  });

  test('a mixture alone, with one domain: no empty sections', () => {
    const mixture = createMixture({ method: 'uniform', weights: { only: 1 } });
    const document = parse(mixtureReport({ mixture, steps: [] }));
    expect(sections(document)).toEqual(['weights', 'inputs']);
    expect(texts(document.querySelectorAll('#weights tbody td'))).toEqual(['only', '1.0000', '1.0000', '1']);
  });

  test('a long run of many domains stays small, and hundreds of inputs are folded', () => {
    const names = Array.from({ length: 300 }, (_, n) => `cluster ${n}`);
    const even = Object.fromEntries(names.map((name) => [name, 1 / 300]));
    const inputs = names.map((path) => ({ path, bytes: 1024, sha256: null }));
    const run = Array.from({ length: 500 }, (_, step) => ({ step, weights: even, evidence: { alignment: even } }));
    const page = mixtureReport({ mixture: createMixture({ method: 'dga', weights: even }), steps: run, inputs });
    expect(page.length).toBeLessThan(1_000_000);
    const document = parse(page);
    expect(texts(document.querySelectorAll('#weights figcaption'))[0]).toContain('The 40 heaviest of 300 domains');
    expect(texts(document.querySelectorAll('#inputs summary'))).toEqual(['300 inputs, 300 KiB']);
  });
});
