import type { GradsiftError } from '../lib/errors.js';
import { requireInteger, requireNumber, requireOneOf, show } from '../lib/errors.js';

/** The code and message of what `call` throws. Codes, not classes: jest runs tests in a realm of their own. */
function thrown(call: () => void): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    const { code, message } = error as GradsiftError;
    return { code, message };
  }
  throw new Error('expected a throw');
}

const NEVER_A_NUMBER = [NaN, Infinity, -Infinity, '', '1', null, undefined, {}, [1], true, 1n];

describe('requireInteger', () => {
  test.each([0, 1, -0, 7, Number.MAX_SAFE_INTEGER])('takes %p', (value) => {
    expect(() => requireInteger('n', value, 0)).not.toThrow();
  });

  test.each([...NEVER_A_NUMBER, 0.5, -1, 2 ** 53])('refuses %p with its name and what was expected', (value) => {
    const { code, message } = thrown(() => requireInteger('steps', value, 0));
    expect(code).toBe('GRADSIFT_ARGUMENT');
    expect(message).toBe(`steps: expected an integer >= 0, got ${show(value)}`);
  });

  test('names both ends of a closed range', () => {
    expect(thrown(() => requireInteger('order', 9, 2, 8)).message).toBe('order: expected an integer in [2, 8], got 9');
  });
});

describe('requireNumber', () => {
  test('takes what the condition takes', () => {
    expect(() => requireNumber('damping', 0.5, 'a number > 0', (value) => value > 0)).not.toThrow();
  });

  test.each([...NEVER_A_NUMBER, 0, -1])('refuses %p', (value) => {
    const { code, message } = thrown(() => requireNumber('damping', value, 'a number > 0', (x) => x > 0));
    expect(code).toBe('GRADSIFT_ARGUMENT');
    expect(message).toBe(`damping: expected a number > 0, got ${show(value)}`);
  });
});

describe('requireOneOf', () => {
  test('lists the names it knows', () => {
    expect(thrown(() => requireOneOf('side', 'left', ['columns', 'rows'])).message).toBe(
      'side: expected one of columns, rows, got "left"',
    );
  });

  test('takes no name that only looks like one', () => {
    for (const value of ['', 'Columns', ' columns', null, 0]) {
      expect(thrown(() => requireOneOf('side', value, ['columns', 'rows'])).code).toBe('GRADSIFT_ARGUMENT');
    }
  });
});

describe('show', () => {
  test.each([
    ['5', '"5"'],
    [5, '5'],
    [-0, '-0'],
    [5n, '5n'],
    [NaN, 'NaN'],
    [null, 'null'],
    [undefined, 'undefined'],
    [new Float32Array(3), 'a Float32Array of 3'],
    [new DataView(new ArrayBuffer(4)), 'a DataView of 4'],
    [[1, 2], 'an array of 2'],
    [() => 0, 'a function'],
    [{}, 'an object'],
    ['x'.repeat(100), `"${'x'.repeat(77)}..."`],
  ])('%p', (value, text) => {
    expect(show(value)).toBe(text);
  });
});
