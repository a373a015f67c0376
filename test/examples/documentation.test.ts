// What the documents show is what the examples run.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const linesOf = (text: string) => text.split('\n').map((line) => line.trim());
const examples = ['examples', 'examples/training'].flatMap((folder) =>
  readdirSync(join(root, folder)).flatMap((name) =>
    name.endsWith('.mjs') ? linesOf(readFileSync(join(root, folder, name), 'utf8')) : [],
  ),
);

const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
/** Pages of results have tables, not programs. */
const guides = documents.filter((name) => !name.endsWith('-results.md'));

test.each(guides)('docs/%s: every line of JavaScript is a line of an example', (name) => {
  const text = readFileSync(join(root, 'docs', name), 'utf8');
  const lines = [...text.matchAll(/```js\n([\s\S]*?)```/g)].flatMap(([, code]) => linesOf(code as string));
  // An import in a document may name fewer things than the example's.
  const shown = lines.filter((line) => line !== '' && !line.startsWith('import {'));
  expect(shown.length).toBeGreaterThan(5);
  expect(shown.filter((line) => !examples.includes(line))).toEqual([]);
});

test.each(documents)('docs/%s: names files that exist', (name) => {
  const text = readFileSync(join(root, 'docs', name), 'utf8');
  for (const [path] of text.matchAll(/examples\/[\w/-]+\.\w+/g)) {
    expect(() => readFileSync(join(root, path))).not.toThrow();
  }
});
