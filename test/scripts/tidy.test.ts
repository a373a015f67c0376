// Every rule of scripts/tidy.mjs, seen failing once on a tree that breaks them all.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const SCRIPT = resolve(__dirname, '../../scripts/tidy.mjs');

function tidy(files: Readonly<Record<string, string>>): { status: number | null; output: string } {
  const root = mkdtempSync(join(tmpdir(), 'gradsift-tidy-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, '--root', root], { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const CLEAN = {
  'package.json':
    '{ "scripts": { "tidy": "node scripts/tidy.mjs" }, "files": ["dist"], "dependencies": { "a": "1.2.3" } }',
  'scripts/tidy.mjs': '// here\n',
  'README.md': 'Set GRADSIFT_SPEED. See [the index](lib/index.ts).\n',
  'tsconfig.json': '{ "include": ["lib"] }',
  'lib/index.ts': "export { load } from './linalg/load.js';\n",
  'lib/linalg/load.ts': [
    "import { door } from '../native/door.js';",
    '/** Opens. */',
    'export const load = () => door(process.env.GRADSIFT_SPEED);',
    '',
  ].join('\n'),
  'lib/native/door.ts': "export const door = (x?: string) => x ?? 'build/Release/x.node';\n",
  'native/sources.json': '{ "core": ["native/core/pool.cc"], "include": ["."], "defines": ["X"] }',
  'native/core/pool.h': '#pragma once\n',
  'native/core/pool.cc': '#include "native/core/pool.h"\n',
};

const LONG_BODY = '  step();\n'.repeat(70);

// [what is planted, what must be said]
const PLANTED: [Record<string, string>, string][] = [
  [{ 'lib/linalg/up.ts': "import '../influence/a.js';\n" }, 'lib/linalg may not import lib/influence'],
  [{ 'lib/influence/a.ts': "import '../curriculum/b.js';\n" }, 'lib/influence may not import lib/curriculum'],
  [{ 'lib/index.ts': "import './cli/main.js';\n", 'lib/cli/main.ts': '' }, 'lib/index.ts may not import lib/cli'],
  [{ 'lib/curriculum/b.ts': "import './gone.js';\n" }, "import of './gone.js' finds no file"],
  [{ 'lib/magic/c.ts': '' }, 'folder lib/magic is not in the table'],
  [{ 'lib/linalg/alone.ts': '' }, 'lib/linalg/alone.ts: nothing imports this file'],
  [{ 'native/core/a.cc': '#include "native/linalg/x.h"\n' }, 'native/core may not include native/linalg'],
  [
    { 'native/kernels/avx2/b.cc': '#include "native/kernels/portable/p.h"\n' },
    'may not include native/kernels/portable',
  ],
  [{ 'native/linalg/c.cc': '#include <napi.h>\n' }, 'only binding/ includes napi.h'],
  [{ 'native/linalg/d.cc': '#include "x.h"\n' }, 'write our headers from the repository root'],
  [{ 'native/linalg/x.h': '', 'native/linalg/unused.h': '' }, 'unused.h: nothing includes this header'],
  [{ 'native/kernels/portable/p.h': '' }, 'native/sources.json: native/core/a.cc is not listed'],
  [{ 'native/sources.json': '{ "core": ["native/core/gone.cc"] }' }, 'native/core/gone.cc does not exist'],
  [{ 'lib/linalg/long.ts': '\n'.repeat(401) }, '401 lines, at most 400'],
  [{ 'lib/linalg/wide.ts': `// ${'x'.repeat(118)}\n` }, 'line of 121, at most 120'],
  [{ 'lib/linalg/tall.ts': `function tall() {\n${LONG_BODY}}\n` }, 'tall: 72 lines, at most 70'],
  [{ 'native/core/tall.cc': `int tower() {\n${LONG_BODY}}\n` }, 'tower: 72 lines, at most 70'],
  [{ 'lib/linalg/e.ts': '// my utils\n' }, '"utils": say what it does instead'],
  [{ 'lib/linalg/f.ts': '// TODO later\n' }, 'an open end needs an issue'],
  [{ 'lib/linalg/g.ts': 'export let x: any;\n' }, 'the type any'],
  [{ 'lib/linalg/h.ts': '// @ts-ignore\n' }, 'the compiler is right'],
  [{ 'native/core/e.cc': 'void f() { std::cout << 1; }\n' }, 'native code does not print'],
  [{ 'native/core/f.cc': 'void f() { abort(); }\n' }, 'native code does not end the process'],
  [{ 'native/core/g.cc': '#if 0\n#endif\n' }, 'git remembers dead code'],
  [{ 'native/core/h.cc': 'void f() { throw 1; }\n' }, 'no exceptions outside binding/'],
  [{ 'test/a.test.ts': 'expect(1).toBeCloseTo(1);\n' }, 'derive the tolerance'],
  [{ 'test/b.test.ts': 'test.only("x", () => 0);\n' }, 'runs alone'],
  [{ 'test/c.test.ts': 'expect(e instanceof RangeError).toBe(true);\n' }, 'compare error codes'],
  [{ 'lib/linalg/i.ts': "export const x = './x.node';\n" }, 'only lib/native knows a .node file exists'],
  [{ 'lib/linalg/j.ts': 'console.log(1);\n' }, 'the library does not print'],
  [{ 'lib/linalg/k.ts': "export const x = '/home/me';\n" }, 'a path of one machine'],
  [{ 'lib/linalg/helpers.ts': '' }, 'a file is named after the one thing in it'],
  [{ 'lib/linalg/BigName.ts': '' }, 'file names: kebab-case'],
  [{ 'lib/linalg/l.ts': 'export const x = process.env.GRADSIFT_QUIET_DOOR;\n' }, 'GRADSIFT_QUIET_DOOR is read'],
  [{ 'README.md': 'GRADSIFT_NOBODY [x](gone.md)\n' }, 'GRADSIFT_NOBODY is documented, nothing knows it'],
  [{ 'docs.md': '[x](gone.md)\n' }, 'link to gone.md, which does not exist'],
  [{ 'package.json': '{ "scripts": { "x": "node scripts/gone.mjs" } }' }, 'scripts/gone.mjs does not exist'],
  [{ 'package-lock.json': '"resolved": "https://mirror.invalid/a.tgz"' }, 'is not the public registry'],
  [{ 'tsconfig.cjs.json': '{ "exclude": ["lib/gone"] }' }, 'lib/gone matches no file'],
];

describe('tidy', () => {
  test('says nothing of a clean tree', () => {
    expect(tidy(CLEAN)).toEqual({ status: 0, output: expect.stringMatching(/^tidy: 10 files, 0 problems/) as string });
  });

  describe('in a tree that breaks every rule', () => {
    const broken = tidy(Object.assign({}, CLEAN, ...PLANTED.map(([files]) => files)) as Record<string, string>);

    test('fails', () => expect(broken.status).toBe(1));
    test.each(PLANTED.map(([, message]) => message))('%s', (message) => expect(broken.output).toContain(message));
  });

  // What cannot be broken together with the above.
  const index = "export * from './a.js';\nexport { bare } from './bare.js';\nexport { gone } from './bare.js';\n";
  const manifest = '{ "files": ["gone"], "dependencies": { "a": "^1.2.3" } }';
  const other = tidy({
    'package.json': manifest,
    'native/sources.json': '{ "core": ["native/a.cc", "native/a.cc"] }',
    'lib/index.ts': index,
    'lib/bare.ts': 'export const bare = 1;\n',
  });

  test.each([
    'files: gone does not exist',
    'a: pin an exact version, not ^1.2.3',
    'a file is listed twice',
    'name what is public',
    'bare has no doc comment',
    'gone is not found',
  ])('%s', (message) => expect(other.output).toContain(message));
});
