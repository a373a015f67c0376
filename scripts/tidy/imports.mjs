// Who may import whom, and whether anybody does. Arrows point down only (ARCHITECTURE.md); families are siblings.
import { posix } from 'node:path';
import ts from 'typescript';

const FAMILIES = ['influence', 'reweighting', 'curriculum', 'diagnostics', 'corpus'];
const BELOW_FAMILIES = ['gradients', 'linalg', 'native'];

// Folder of lib/ -> folders it may import besides itself. Files of lib/ itself (errors.ts) are open to all.
const LIB = {
  native: [],
  linalg: ['native'],
  gradients: ['linalg', 'native'],
  ...Object.fromEntries(FAMILIES.map((family) => [family, BELOW_FAMILIES])),
  tfjs: [...FAMILIES, ...BELOW_FAMILIES],
  jax: [...FAMILIES, ...BELOW_FAMILIES],
  report: [...FAMILIES, ...BELOW_FAMILIES],
  cli: [...FAMILIES, ...BELOW_FAMILIES, 'report'],
};
// lib/index.ts gathers what is public; everything else at the top of lib/ imports only its neighbours there.
const LIB_INDEX = [...FAMILIES, ...BELOW_FAMILIES];

// Folder of native/ -> folders it may include besides itself. kernels/<isa> are siblings; kernels/generic/ is written
// once and compiled in the target region of each.
const NATIVE = {
  core: [],
  kernels: ['core'],
  'kernels/*': ['core', 'kernels', 'kernels/generic'],
  linalg: ['core', 'kernels'],
  cuda: ['core'],
  device: ['core', 'linalg', 'cuda'],
  binding: ['core', 'kernels', 'linalg', 'device'],
};
// The tables are where the kernels meet: each names the one below it, and the root one lists them all.
const KERNEL_TABLE = /^native\/kernels\/(\w+\/)?table\.(h|cc)$/;

const TYPESCRIPT = /\.[cm]?ts$/;
const CPP = /\.(h|cc|cu|cuh)$/;
const NAPI = /^(napi|node_api|js_native_api|uv|v8)[\w-]*\.h$/;

function lineOf(text, index) {
  return text.slice(0, index).split('\n').length;
}

/** The repository file that a relative import of a TypeScript file means: './x.js' is x.ts once compiled. */
function resolveImport(tree, from, specifier) {
  const path = posix.join(posix.dirname(from), specifier);
  const candidates = [path, path.replace(/\.(c|m)?js$/, '.$1ts'), path.replace(/\.js$/, '.tsx')];
  return candidates.find((name) => tree.has(name));
}

function typescriptImports(tree) {
  const graph = new Map();
  for (const file of tree.files.filter((name) => TYPESCRIPT.test(name))) {
    const text = tree.read(file);
    const entries = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => {
      const relative = fileName.startsWith('.');
      const target = relative ? resolveImport(tree, file, fileName) : undefined;
      return { specifier: fileName, relative, target, line: lineOf(text, pos) };
    });
    graph.set(file, entries);
  }
  return graph;
}

function libFolder(file) {
  const parts = file.split('/');
  return parts[0] !== 'lib' ? undefined : parts.length === 2 ? '' : parts[1];
}

function libDirection(graph, report) {
  for (const [file, entries] of graph) {
    const folder = libFolder(file);
    if (folder === undefined) continue;
    const allowed = file === 'lib/index.ts' ? LIB_INDEX : folder === '' ? [] : LIB[folder];
    if (allowed === undefined) report(file, `folder lib/${folder} is not in the table of scripts/tidy/imports.mjs`);
    for (const { specifier, relative, target, line } of entries) {
      if (relative && target === undefined && !specifier.endsWith('.json')) {
        report(file, `import of '${specifier}' finds no file (write the .js extension)`, line);
      }
      const to = target && libFolder(target);
      if (to === undefined && target !== undefined && specifier.endsWith('.json') === false) {
        report(file, `lib imports ${target}, outside lib`, line);
      }
      if (!to || to === folder || allowed === undefined || allowed.includes(to)) continue;
      report(file, `lib/${folder || 'index.ts'} may not import lib/${to}`, line);
    }
  }
}

/** Files that nothing reaches from the entries of package.json, from a test or from a benchmark. */
function unusedTypescript(tree, graph, report) {
  const roots = [...graph.keys()].filter(
    (file) =>
      /^lib\/(index|cli\/main|(tfjs|jax)\/index)\.ts$/.test(file) ||
      file.endsWith('.test.ts') ||
      file.startsWith('bench/'),
  );
  const isTest = (file) => !file.startsWith('lib/');
  const seen = new Set();
  const walk = (file, skip) => {
    if (seen.has(file) || skip(file)) return;
    seen.add(file);
    for (const { target } of graph.get(file) ?? []) if (target) walk(target, skip);
  };
  // First what the product itself reaches, then the rest: a file that only its test imports is unused.
  for (const file of roots.filter((name) => !isTest(name))) walk(file, () => false);
  for (const file of roots.filter(isTest)) walk(file, (name) => !isTest(name));
  for (const file of graph.keys()) {
    if (!seen.has(file) && /^(lib|test)\//.test(file)) report(file, 'nothing imports this file');
  }
}

function nativeFolder(file) {
  const folder = posix.dirname(file).replace(/^native\/?/, '');
  return folder.startsWith('binding/') ? 'binding' : folder;
}

function nativeRule(folder) {
  return NATIVE[folder] ?? (folder.startsWith('kernels/') ? NATIVE['kernels/*'] : undefined);
}

function nativeDirection(tree, report) {
  const included = new Set();
  const files = tree.files.filter((name) => name.startsWith('native/') && CPP.test(name));
  for (const file of files) {
    const folder = nativeFolder(file);
    const allowed = nativeRule(folder);
    if (allowed === undefined) report(file, `folder native/${folder} is not in the table of scripts/tidy/imports.mjs`);
    const text = tree.read(file);
    for (const { 1: bracket, 2: name, index } of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]/gm)) {
      const line = lineOf(text, index);
      included.add(name);
      if (NAPI.test(posix.basename(name)) && folder !== 'binding') report(file, `only binding/ includes ${name}`, line);
      if (bracket === '<' || NAPI.test(name)) continue;
      if (!name.startsWith('native/') || !tree.has(name)) {
        report(file, `include "${name}": write our headers from the repository root, others in <>`, line);
        continue;
      }
      const to = nativeFolder(name);
      if (to === folder || allowed === undefined || allowed.includes(to)) continue;
      if (KERNEL_TABLE.test(file) && KERNEL_TABLE.test(name)) continue;
      report(file, `native/${folder} may not include native/${to}`, line);
    }
  }
  for (const file of files) {
    if (/\.(h|cuh)$/.test(file) && !included.has(file)) report(file, 'nothing includes this header');
  }
}

export function imports(tree, report) {
  const graph = typescriptImports(tree);
  libDirection(graph, report);
  unusedTypescript(tree, graph, report);
  nativeDirection(tree, report);
}
