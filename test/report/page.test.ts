import { inflateSync } from 'node:zlib';
import { parseHTML } from 'linkedom';
import { influenceReport, type ReportExtras } from '../../lib/report/index.js';
import { greyImage } from '../../lib/report/picture.js';
import { fixtureResult } from '../cli/fixture.js';

interface Node {
  readonly textContent: string;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<Node> & { readonly length: number };
}

const parse = (page: string) => (parseHTML(page) as unknown as { document: Node }).document;

function large(samples: number, layers: number) {
  const scores = Float64Array.from({ length: samples }, (_, i) => Math.sin(i * i) * (i % 50 === 0 ? 9 : 1));
  const base = fixtureResult().methods.hyperinf;
  const records = Array.from({ length: layers }, (_, l) => ({
    ...base!.layers[0]!,
    name: `layer ${l}`,
    share: 1 / layers,
  }));
  return fixtureResult({
    samples,
    methods: { hyperinf: { ...base!, scores: [scores], layers: records } },
    skipped: [],
    skippedLayers: [],
  });
}

const detection: ReportExtras['detection'] = {
  marked: 0.25,
  rankings: [
    {
      name: 'hyperinf',
      curves: [
        [0, 1, 1, 1, 1],
        [0, 0, 1, 1, 1],
      ],
      auc: [1, 0.5],
      seconds: [0.1, 0.3],
    },
    {
      name: 'plain <loss>',
      baseline: true,
      curves: [
        [0, 0, 0, 1, 1],
        [0, 1, 1, 1, 1],
      ],
      auc: [0.4, 1],
    },
  ],
};

describe('influenceReport', () => {
  const page = influenceReport(fixtureResult(), {
    title: 'Digits & <more>',
    options: { preset: 'none"' },
    detection,
    pictures: {
      caption: 'Two',
      width: 2,
      height: 1,
      pictures: [{ pixels: [0, 1], title: 'given <3>', note: 'true 4', marked: true }],
    },
  });
  const document = parse(page);
  const sections = [...document.querySelectorAll('section')].map((section) => section.getAttribute('id'));

  test('has every part', () => {
    expect(sections).toEqual([
      'detection',
      'extremes',
      'pictures',
      'spread',
      'layers',
      'agreement',
      'certificates',
      'skipped',
      'inputs',
    ]);
    // Curves, sorted scores, a histogram a method, layer shares, agreement.
    expect(document.querySelectorAll('svg').length).toBe(1 + 1 + 2 + 1 + 1);
    expect(document.querySelectorAll('details').length).toBe(2);
    expect(document.querySelectorAll('.warning').length).toBe(1);
    const options = [...document.querySelectorAll('#inputs td')].map(({ textContent }) => textContent.trim());
    expect(options).toEqual(expect.arrayContaining(['0.1 \u00d7 the mean squared gradient entry', 'loss-derivative']));
    expect([...document.querySelectorAll('#certificates details:first-of-type tbody tr')].length).toBe(2);
  });

  test('needs nothing from outside: no script, no address, no link but to itself', () => {
    expect(document.querySelectorAll('script, link, iframe, object').length).toBe(0);
    const addresses = [...page.matchAll(/\b(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)/g)].map(
      ([, address]) => address as string,
    );
    expect(addresses.filter((address) => !address.startsWith('#') && !address.startsWith('data:image/png;'))).toEqual(
      [],
    );
    expect(page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:/);
  });

  test('names are text, never markup', () => {
    expect(page).not.toContain('<b>A</b>');
    expect(page).not.toContain('<train>');
    expect(page).not.toContain('<loss>');
    expect([...document.querySelectorAll('title')][0]?.textContent).toBe('Digits & <more>');
    expect([...document.querySelectorAll('#certificates td.id')][0]?.textContent.trim()).toBe('layers.0.<b>A</b>');
    expect([...document.querySelectorAll('#skipped td.id')][0]?.textContent).toBe('train & more');
  });

  test('scores in rank order, with the place by the other method; the sample left out is in no list', () => {
    const rows = [...document.querySelectorAll('#extremes .columns tbody tr')].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => cell.textContent.trim()),
    );
    expect(rows.slice(0, 3)).toEqual([
      ['1', '#0', '0.3333', '1'],
      ['2', '#3', '5.00e-7', '2'],
      ['3', '#1', '\u22122.000', '3'],
    ]);
    expect(rows.length).toBe(6);
  });

  test('detection rates: mean and spread over the runs, the best marked', () => {
    const rows = [...document.querySelectorAll('#detection tbody tr')].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => cell.textContent.trim()),
    );
    // 30 % of 4 samples is 1.2: one sample inspected; 40 % is 1.6: two.
    expect(rows[0]?.slice(3)).toEqual(['50 % \u00b1 71', '100 % \u00b1 0', '0.750 \u00b1 0.354', '200 ms']);
    expect(rows[1]?.slice(3)).toEqual(['50 % \u00b1 71', '50 % \u00b1 71', '0.700 \u00b1 0.424', '\u2013']);
  });

  test('follows the other sign convention', () => {
    const page = influenceReport(fixtureResult({ convention: 'proponent' }));
    const other = parse(page);
    const first = [...other.querySelectorAll('#extremes .columns tbody tr')][0];
    expect([...(first?.querySelectorAll('td') ?? [])][1]?.textContent).toBe('#1');
    expect(page).toContain('positive score is helpful');
  });

  test('one method, one layer, no extras: no empty sections', () => {
    const plain = parse(influenceReport(large(50, 1)));
    expect([...plain.querySelectorAll('section')].map((section) => section.getAttribute('id'))).toEqual([
      'extremes',
      'spread',
      'layers',
      'certificates',
      'inputs',
    ]);
  });

  test('stays small for many samples and layers', () => {
    const started = performance.now();
    const text = influenceReport(large(200_000, 300));
    expect(text.length).toBeLessThan(1_000_000);
    expect(text).toContain('The 24 largest of 300 layers are drawn.');
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

test('greyImage is a PNG with the given pixels', () => {
  const png = Buffer.from(greyImage([0, 1, 0.5, 2, NaN, -1], 3, 2).split(',')[1] as string, 'base64');
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([3, 2]);
  const length = png.readUInt32BE(33);
  const rows = inflateSync(png.subarray(41, 41 + length));
  expect([...rows]).toEqual([0, 255, 0, 128, 0, 0, 0, 255]);
});
