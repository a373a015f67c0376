// Lists that are kept in two places, compared.
import { posix } from 'node:path';
import ts from 'typescript';

function difference(a, b) {
  const other = new Set(b);
  return [...new Set(a)].filter((item) => !other.has(item));
}

function sourcesJson(tree, report) {
  const list = 'native/sources.json';
  if (!tree.has(list)) return;
  const { include: _include, defines: _defines, flags: _flags, ...groups } = JSON.parse(tree.read(list));
  const listed = Object.values(groups).flat();
  const present = tree.files.filter((file) => file.startsWith('native/') && /\.(cc|cu)$/.test(file));
  for (const file of difference(present, listed)) report(list, `${file} is not listed`);
  for (const file of difference(listed, present)) report(list, `${file} does not exist`);
  if (new Set(listed).size !== listed.length) report(list, 'a file is listed twice');
}

function environment(tree, report) {
  const read = new Map();
  for (const file of tree.files.filter((name) => /^(lib|native|scripts)\/.*\.([cm]?(ts|js)|h|cc|cu)$/.test(name))) {
    if (file.startsWith('scripts/tidy')) continue;
    for (const [, name] of tree.read(file).matchAll(/(?:\benv\b(?:\.|\[['"])|getenv\(")(GRADSIFT_[A-Z0-9_]+)/g)) {
      read.set(name, file);
    }
  }
  const readme = tree.has('README.md') ? tree.read('README.md') : '';
  const documented = [...readme.matchAll(/\bGRADSIFT_[A-Z0-9_]+/g)].map(([name]) => name);
  for (const name of difference(read.keys(), documented)) report(read.get(name), `${name} is read, README is silent`);
  const code = tree.files
    .filter((name) => /^(lib|native|scripts|CMakeLists)/.test(name))
    .map((name) => tree.read(name));
  for (const name of documented.filter((word) => !code.some((text) => text.includes(word)))) {
    report('README.md', `${name} is documented, nothing knows it`);
  }
}

function packageJson(tree, report) {
  const manifest = JSON.parse(tree.read('package.json'));
  for (const [name, command] of Object.entries(manifest.scripts ?? {})) {
    for (const [file] of command.matchAll(/\b[\w./-]+\.(?:[cm]?[jt]s|json)\b/g)) {
      if (!tree.has(file)) report('package.json', `script ${name}: ${file} does not exist`);
    }
  }
  for (const entry of manifest.files ?? []) {
    const exists = tree.files.some((file) => file === entry || file.startsWith(`${entry}/`));
    if (!exists && entry !== 'dist') report('package.json', `files: ${entry} does not exist`);
  }
  for (const group of ['dependencies', 'devDependencies']) {
    for (const [name, range] of Object.entries(manifest[group] ?? {})) {
      if (!/^\d+\.\d+\.\d+$/.test(range)) report('package.json', `${name}: pin an exact version, not ${range}`);
    }
  }
}

function globToRegExp(glob) {
  const pattern = glob
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\{([^}]*)\}/g, (_, list) => `(${list.split(',').join('|')})`)
    .replace(/\*\*\/|\*\*|\*|\?/g, (star) => ({ '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' })[star]);
  return new RegExp(`^${pattern}(/.*)?$`);
}

function configGlobs(tree, report) {
  for (const config of tree.files.filter((name) => /^(tsconfig[\w.]*\.json|eslint\.config\.mjs)$/.test(name))) {
    const text = tree.read(config);
    for (const [, list] of text.matchAll(/["']?\b(?:include|exclude|files)["']?:\s*\[([^\]]*)\]/g)) {
      for (const [, glob] of list.matchAll(/["']([^"']+)["']/g)) {
        const pattern = globToRegExp(glob);
        if (!tree.files.some((file) => pattern.test(file))) report(config, `${glob} matches no file`);
      }
    }
  }
}

function markdownLinks(tree, report) {
  for (const file of tree.files.filter((name) => name.endsWith('.md'))) {
    for (const [, target] of tree.read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      const path = posix.join(posix.dirname(file), target).replace(/\/$/, '');
      const exists = tree.files.some((name) => name === path || name.startsWith(`${path}/`));
      if (!exists) report(file, `link to ${target}, which does not exist`);
    }
  }
}

const declares = (statement, name) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.some((declaration) => declaration.name.getText() === name)
    : statement.name?.text === name;

/** Whether the declaration that `name` of `file` ends at has a doc comment; undefined where it is not found. */
function documented(tree, file, name) {
  const source = tree.parse(file);
  for (const statement of source.statements) {
    if (declares(statement, name)) return ts.getJSDocCommentsAndTags(statement).length > 0;
    if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) continue;
    const elements = statement.exportClause?.elements;
    const element = elements?.find((item) => item.name.text === name);
    if (elements && !element) continue;
    const target = resolve(tree, file, statement.moduleSpecifier.text);
    const answer = target && documented(tree, target, element?.propertyName?.text ?? name);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function resolve(tree, from, specifier) {
  const path = posix.join(posix.dirname(from), specifier).replace(/\.(c?)js$/, '.$1ts');
  return tree.has(path) ? path : undefined;
}

function publicDocs(tree, report) {
  const index = 'lib/index.ts';
  if (!tree.has(index)) return;
  const source = tree.parse(index);
  for (const statement of source.statements.filter(ts.isExportDeclaration)) {
    const elements = statement.exportClause?.elements;
    if (!elements) report(index, `export * from ${statement.moduleSpecifier?.text}: name what is public`);
    for (const { name } of elements ?? []) {
      const answer = documented(tree, index, name.text);
      if (answer !== true) report(index, `${name.text} ${answer === false ? 'has no doc comment' : 'is not found'}`);
    }
  }
}

export function lists(tree, report) {
  sourcesJson(tree, report);
  environment(tree, report);
  packageJson(tree, report);
  configGlobs(tree, report);
  markdownLinks(tree, report);
  publicDocs(tree, report);
}
