import { matchesGlob } from '../../lib/gradients/name-glob.js';

test.each([
  ['*', '', true],
  ['*', 'layers.0.lora_A', true],
  ['', '', true],
  ['', 'a', false],
  ['*lora_A', 'layers.0.lora_A', true],
  ['*lora_A', 'model/dense/lora_A', true],
  ['*lora_A', '.lora_A', true],
  ['*lora_A', 'layers.0.lora_AB', false],
  ['layers.?.*', 'layers.0.lora_A', true],
  ['layers.?.*', 'layers.10.lora_A', false],
  ['layers.?', 'layersx0', false],
  ['?', '\u{1F600}', true],
  ['[abc]', 'b', true],
  ['[abc]', 'd', false],
  ['[a-c]x', 'bx', true],
  ['[!a-c]', 'b', false],
  ['[!a-c]', 'd', true],
  ['[a-]', '-', true],
  ['[]a]', ']', true],
  ['[!]a]', ']', false],
  ['[', '[', true],
  ['[]', '[]', true],
  ['a[', 'a[', true],
  ['h[', 'h', false],
  ['layers.[0-9]*.weight', 'layers.12.weight', true],
  ['*.0.*', 'model.layers.0.0.weight', true],
  ['*a*b*', 'xxaxxbxx', true],
  ['*a*b*', 'xxbxxaxx', false],
  ['a.c', 'abc', false],
  ['{a,b}', 'a', false],
  ['!(a)', 'b', false],
  ['A', 'a', false],
])('%p on %p: %p', (pattern, name, expected) => {
  expect(matchesGlob(pattern, name)).toBe(expected);
});

test('agrees with a recursive definition on short random patterns', () => {
  const matches = (pattern: string, name: string): boolean => {
    if (pattern === '') return name === '';
    if (pattern[0] === '*') return matches(pattern.slice(1), name) || (name !== '' && matches(pattern, name.slice(1)));
    return name !== '' && (pattern[0] === '?' || pattern[0] === name[0]) && matches(pattern.slice(1), name.slice(1));
  };
  let state = 1;
  const pick = (letters: string): string => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return letters[Math.floor(state / 65536) % letters.length] ?? '';
  };
  const word = (letters: string, length: number): string => Array.from({ length }, () => pick(letters)).join('');
  let hits = 0;
  for (let trial = 0; trial < 5000; trial++) {
    const pattern = word('ab?*', trial % 6);
    const name = word('ab', (trial >> 3) % 7);
    const expected = matches(pattern, name);
    if (expected) hits++;
    expect([pattern, name, matchesGlob(pattern, name)]).toEqual([pattern, name, expected]);
  }
  expect(hits).toBeGreaterThan(500);
});

test('takes no more than pattern times name steps', () => {
  const name = 'a'.repeat(5000);
  const started = performance.now();
  expect(matchesGlob('*a'.repeat(500) + 'b', name)).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});
