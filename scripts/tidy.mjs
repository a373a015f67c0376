// The rules of the house that a machine can keep, in under two seconds and without a build. `npm test` runs it first.
// Each rule is seen failing on purpose in test/scripts/tidy.test.ts. `--root FOLDER` looks at another tree.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { trackedFiles } from './files.mjs';
import { imports } from './tidy/imports.mjs';
import { lists } from './tidy/lists.mjs';
import { sizes } from './tidy/sizes.mjs';
import { words } from './tidy/words.mjs';

// Known offences, as 'path: message'. This list may only shrink: an entry that no longer occurs is an offence itself.
const EXCEPTIONS = [];

const argument = process.argv.indexOf('--root');
const root = resolve(argument > 0 ? process.argv[argument + 1] : join(import.meta.dirname, '..'));
const started = performance.now();

function once(compute) {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) known.set(name, compute(name));
    return known.get(name);
  };
}

const files = trackedFiles(root).filter((name) => !name.startsWith('test/data/'));
const present = new Set(files);
const read = once((name) => readFileSync(join(root, name), 'utf8'));
const tree = {
  root,
  files,
  has: (name) => present.has(name),
  read,
  parse: once((name) => ts.createSourceFile(name, read(name), ts.ScriptTarget.ES2022, true)),
};

const found = new Map();
function report(file, message, line) {
  found.set(`${file}: ${message}`, line === undefined ? `${file}: ${message}` : `${file}:${line}: ${message}`);
}

for (const check of [imports, sizes, words, lists]) check(tree, report);
for (const key of EXCEPTIONS) {
  if (!found.delete(key)) report('scripts/tidy.mjs', `the exception "${key}" is no longer needed: take it out`);
}

for (const text of [...found.values()].sort()) console.error(text);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`tidy: ${tree.files.length} files, ${found.size} problems, ${seconds} s`);
process.exit(found.size === 0 ? 0 : 1);
