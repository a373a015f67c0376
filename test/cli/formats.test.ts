import { toJson } from '../../lib/influence/result.js';
import { jsonText } from '../../lib/cli/json-text.js';
import { resultText } from '../../lib/cli/result-text.js';
import { listRows, scoreRows } from '../../lib/cli/rows-text.js';
import { scoreLists } from '../../lib/cli/score-lists.js';
import { plainStyle, styleFor, textTable } from '../../lib/cli/text-table.js';
import { fixtureResult } from './fixture.js';

const ids = ['a', 'b,"c"', 'line\nbreak', 4];

describe('jsonText', () => {
  test.each([
    [{ a: [1, 0.1, NaN], b: { c: Float64Array.of(1, Infinity), d: undefined }, e: [], f: {}, g: [[1], [{ h: 'x' }]] }],
    ['text'],
    [null],
    [[1, 'two', null]],
  ])('means the same as JSON.stringify: %j', (value) => {
    const plain: unknown = JSON.parse(
      JSON.stringify(value, (_, item: unknown) => (ArrayBuffer.isView(item) ? Array.from(item as Float64Array) : item)),
    );
    expect(JSON.parse(jsonText(value))).toEqual(plain);
  });

  test('keeps every digit, and lists of numbers on one line', () => {
    const scores = [1 / 3, 5e-324, -0.1, 1e21];
    const text = jsonText({ scores });
    expect((JSON.parse(text) as { scores: number[] }).scores).toEqual(scores);
    expect(text.split('\n').length).toBe(3);
  });

  test('holds a whole result', () => {
    const parsed = JSON.parse(jsonText(toJson(fixtureResult()))) as { methods: Record<string, { scores: unknown }> };
    expect(parsed.methods['hyperinf']?.scores).toEqual([[1 / 3, -2, null, 5e-7]]);
  });
});

describe('rows', () => {
  test('csv: full precision, quotes where needed, an empty field for a sample without a score', () => {
    expect([...scoreRows(fixtureResult({ ids }), 'csv')]).toEqual([
      'sample,id,query,hyperinf,tracin\n',
      '0,a,mean,0.3333333333333333,3\n',
      '1,"b,""c""",mean,-2,-1\n',
      '2,"line\nbreak",mean,,\n',
      '3,4,mean,5e-7,0\n',
    ]);
    expect([...scoreRows(fixtureResult(), 'csv')][1]).toBe('0,mean,0.3333333333333333,3\n');
  });

  test('ndjson: one object a sample', () => {
    const lines = [...scoreRows(fixtureResult(), 'ndjson')].map((line) => JSON.parse(line) as unknown);
    expect(lines[2]).toEqual({ sample: 2, query: 'mean', scores: { hyperinf: null, tracin: null } });
    expect(lines.length).toBe(4);
  });

  test('lists: both ends, by what they do', () => {
    const rows = (convention: 'loss-derivative' | 'proponent') => {
      const result = fixtureResult({ convention, ids });
      return [...listRows(scoreLists(result, 1), ids, 'csv')];
    };
    expect(rows('loss-derivative')).toEqual([
      'method,query,side,rank,sample,id,score\n',
      'hyperinf,mean,harmful,1,0,a,0.3333333333333333\n',
      'hyperinf,mean,helpful,1,1,"b,""c""",-2\n',
      'tracin,mean,harmful,1,0,a,3\n',
      'tracin,mean,helpful,1,1,"b,""c""",-1\n',
    ]);
    expect(rows('proponent')[1]).toBe('hyperinf,mean,harmful,1,1,"b,""c""",-2\n');
    const [first] = [...listRows(scoreLists(fixtureResult(), 1), null, 'ndjson')].map(
      (line) => JSON.parse(line) as unknown,
    );
    expect(first).toEqual({ method: 'hyperinf', query: 'mean', side: 'harmful', rank: 1, sample: 0, score: 1 / 3 });
  });
});

describe('tables', () => {
  test('columns are aligned and names cannot move the cursor', () => {
    const lines = textTable(
      [{ title: 'name' }, { title: 'n', align: 'right' }],
      [
        ['a\u001b[2J', '1'],
        ['long name', '22'],
      ],
    );
    expect(lines).toEqual(['name        n', 'a\uFFFD[2J       1', 'long name  22']);
  });

  test('the result for people', () => {
    const text = resultText(fixtureResult(), 2, plainStyle);
    expect(text).toContain('4 training samples, 1 query; positive is harmful');
    expect(text).toMatch(/hyperinf +ok +cholesky +2\.22e-16 +2 +500 ms/);
    expect(text).toMatch(/tracin +diverged +cholesky +- +1 +250 ms/);
    expect(text).toContain('left out: 1 sample with NaN or infinity');
    expect(text).toContain('all zero, adding nothing: layers.9');
  });

  test('colour only on a terminal, and not where NO_COLOR forbids it', () => {
    const { NO_COLOR, TERM } = process.env;
    try {
      delete process.env['NO_COLOR'];
      process.env['TERM'] = 'xterm';
      expect(styleFor({ isTTY: true }).bold('x')).toBe('\u001b[1mx\u001b[0m');
      expect(styleFor({ isTTY: false }).bold('x')).toBe('x');
      process.env['NO_COLOR'] = '1';
      expect(styleFor({ isTTY: true }).bold('x')).toBe('x');
    } finally {
      for (const [name, value] of Object.entries({ NO_COLOR, TERM })) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });
});
