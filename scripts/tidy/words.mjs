// Words and constructs that have no place here, and where they have none.
import { posix } from 'node:path';
import ts from 'typescript';

const SOURCE = /\.([cm]?(ts|js)|h|cc|cu|cuh)$/;
const CPP = /\.(h|cc|cu|cuh)$/;
const TYPESCRIPT = /\.[cm]?ts$/;
const TEST = /^test\/.*\.ts$/;

const isSelf = (file) => file.startsWith('scripts/tidy') || file === 'test/scripts/tidy.test.ts';
const source = (file) => SOURCE.test(file) && !isSelf(file);
const cpp = (file) => CPP.test(file);
const native = (file) => CPP.test(file) && file.startsWith('native/');
const core = (file) => CPP.test(file) && !file.startsWith('native/binding/');
const typescript = (file) => TYPESCRIPT.test(file) && !isSelf(file);
const product = (file) => /^lib\/.*\.[cm]?ts$/.test(file);
const tests = (file) => TEST.test(file) && !isSelf(file);
const text = (file) => !isSelf(file) && !/^(package-lock\.json|\.clang-format)$/.test(file);

// [files, pattern, what to say]. A pattern sees one line; comments count except where `code` is set.
const RULES = [
  [source, /\butils?\b(?<!node:util)|\bmanager\b/i, 'say what it does instead'],
  [source, /\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/, 'an open end needs an issue: TODO(#12)'],
  [typescript, /@ts-(ignore|nocheck)/, 'the compiler is right'],
  [product, /@ts-expect-error/, 'the compiler is right'],
  [native, /\b(f|s|sn|v|vf|vsn)?printf\s*\(|\bputs\s*\(|std::(cout|cerr|clog)\b/, 'native code does not print', 'code'],
  [cpp, /\b(abort|_?exit|quick_exit|terminate)\s*\(/, 'native code does not end the process', 'code'],
  [cpp, /^\s*#\s*if\s+0\b/, 'git remembers dead code'],
  [core, /\bthrow\b/, 'no exceptions outside binding/', 'code'],
  [core, /\busing\s+namespace\b/, 'write the namespace', 'code'],
  [tests, /\btoBeCloseTo\b/, 'derive the tolerance and name its terms'],
  [tests, /\b(describe|test|it)\.only\b|\b(fdescribe|fit)\s*\(/, 'runs alone'],
  [tests, /\binstanceof\s+\w*Error\b|\btoThrow\(\s*\w*Error\b/, 'compare error codes: jest has a realm of its own'],
  [product, /\.node['"`]|\bbuild\/Release\b/, 'only lib/native knows a .node file exists', 'code'],
  [product, /\bconsole\.\w+\(/, 'the library does not print', 'code'],
  [text, /(?<![\w.~$}])\/(work|home|root|Users|tmp)\/\w/, 'a path of one machine'],
];

const OWNERS = { 'only lib/native knows a .node file exists': /^lib\/native\// };
const FILE_NAMES = /^(utils?|helpers?|common|misc|manager|base|shared)\b/;

/** The line without its comment, roughly: enough to tell code from prose. */
function codeOf(line) {
  return /^\s*(\/\/|\/?\*)/.test(line) ? '' : line.replace(/\s\/\/.*$/, '');
}

function fileNames(tree, report) {
  for (const file of tree.files.filter(source)) {
    const name = posix.basename(file);
    if (FILE_NAMES.test(name)) report(file, 'a file is named after the one thing in it');
    const expected = CPP.test(file) ? /^[a-z0-9_]+\.\w+$/ : /^[a-z0-9.-]+$/;
    if (!expected.test(name)) report(file, 'file names: kebab-case in TypeScript, snake_case in C++');
  }
}

/** Asked of the compiler: in prose and in titles the word is welcome. */
function anyTypes(tree, report) {
  for (const file of tree.files.filter(typescript)) {
    const source = tree.parse(file);
    const visit = (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) {
        report(file, 'the type any', source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
}

export function words(tree, report) {
  fileNames(tree, report);
  anyTypes(tree, report);
  for (const file of tree.files) {
    const rules = RULES.filter(([applies, , why]) => applies(file) && !OWNERS[why]?.test(file));
    if (rules.length === 0 || /\.(png|npy|safetensors)$/.test(file)) continue;
    tree
      .read(file)
      .split('\n')
      .forEach((line, index) => {
        for (const [, pattern, why, scope] of rules) {
          const match = pattern.exec(scope === 'code' ? codeOf(line) : line);
          if (match) report(file, `"${match[0].trim()}": ${why}`, index + 1);
        }
      });
  }
  const lock = tree.has('package-lock.json') ? tree.read('package-lock.json') : '';
  for (const [, host] of lock.matchAll(/"resolved": "(?!https:\/\/registry\.npmjs\.org\/)([^"]*)"/g)) {
    report('package-lock.json', `"${host}" is not the public registry`);
  }
}
