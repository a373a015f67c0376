import { parseBytes, parseInteger, parseList, parseOneOf, parsePath, parsePositive } from '../../lib/cli/values.js';

const code = 'GRADSIFT_ARGUMENT';

describe('parseBytes', () => {
  test.each([
    ['2GiB', 2 * 2 ** 30],
    ['512MiB', 512 * 2 ** 20],
    ['1e9', 1e9],
    ['1.5 GB', 1.5e9],
    ['1KiB', 1024],
    ['1kB', 1000],
    ['3 TiB', 3 * 2 ** 40],
    ['4096', 4096],
    ['7B', 7],
    ['.5MiB', 2 ** 19],
    [' 2e3 ', 2000],
  ])('%s', (text, bytes) => expect(parseBytes('--memory', text)).toBe(bytes));

  test.each([
    '',
    '0',
    '-1',
    '2G',
    '2gib',
    'GiB',
    '1..5GB',
    'NaN',
    'Infinity',
    '1e400',
    '2 GiB extra',
    '0.1',
    '0x10',
    '1e9e9',
  ])('refuses %j', (text) => expect(() => parseBytes('--memory', text)).toThrow(expect.objectContaining({ code })));

  test('says what it expected and what came', () => {
    expect(() => parseBytes('--memory', '2 GX')).toThrow(
      '--memory: expected a size like 2GiB, 512MiB, 1.5GB or 1e9, got "2 GX"',
    );
  });
});

describe('numbers and names', () => {
  test('parseInteger', () => {
    expect(parseInteger('--threads', '8', 1, 1024)).toBe(8);
    for (const text of ['', '0', '1025', '1.5', '-1', '1e2', 'two', 'NaN']) {
      expect(() => parseInteger('--threads', text, 1, 1024)).toThrow(expect.objectContaining({ code }));
    }
    expect(() => parseInteger('--top', '1.5', 1)).toThrow('--top: expected an integer >= 1, got "1.5"');
  });

  test('parsePositive', () => {
    expect(parsePositive('--damping', '0')).toBe(0);
    expect(parsePositive('--damping', '5e-5')).toBe(5e-5);
    expect(parsePositive('--damping', '.1')).toBe(0.1);
    for (const text of ['', '-1', 'NaN', 'Infinity', '1e999', '1,5', 'x']) {
      expect(() => parsePositive('--damping', text)).toThrow(expect.objectContaining({ code }));
    }
  });

  test('parseList', () => {
    expect(parseList('--method', 'hyperinf, datainf')).toEqual(['hyperinf', 'datainf']);
    for (const text of ['', ',', 'a,,b', 'a,']) {
      expect(() => parseList('--method', text)).toThrow(expect.objectContaining({ code }));
    }
  });

  test('parseOneOf', () => {
    expect(parseOneOf('--side', 'rows', ['columns', 'rows'])).toBe('rows');
    expect(() => parseOneOf('--side', 'toString', ['columns', 'rows'])).toThrow(
      '--side: expected one of columns, rows, got "toString"',
    );
  });

  test('parsePath', () => {
    expect(parsePath('--out', 'a b.json')).toBe('a b.json');
    expect(() => parsePath('--out', '')).toThrow('--out: expected a file name, got ""');
  });
});
