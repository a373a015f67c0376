// npm run check:package: stages and packs what would be published, asks publint and arethetypeswrong, installs it in an
// empty folder without scripts and without a network, and runs small programs there. The last line is the total.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const staging = join(root, 'dist-packages');
let passed = 0;
let failed = 0;

function step(name, command, args, options = {}) {
  const run = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  const ok = run.status === 0 && (options.accept?.(run.stdout) ?? true);
  if (ok) passed += 1;
  else failed += 1;
  console.log(`${name}: ${ok ? 'ok' : 'FAILED'}`);
  if (!ok) console.error([run.stdout, run.stderr, run.error?.message].filter(Boolean).join('\n'));
  return ok ? run.stdout : undefined;
}

/** Runs npm without a network and without scripts: what npm 12 does by itself. */
function npm(name, args, cwd) {
  const [command, first] = process.env.npm_execpath ? [process.execPath, [process.env.npm_execpath]] : ['npm', []];
  return step(name, command, [...first, ...args, '--offline', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd });
}

function pack() {
  return readdirSync(staging)
    .filter((folder) => !folder.endsWith('.tgz'))
    .map((folder) => {
      const output = npm(`pack ${folder}`, ['pack', `./${folder}`, '--json'], staging);
      return join(staging, JSON.parse(output)[0].filename);
    });
}

/** The run-time dependencies, as they are installed here, so that nothing has to be fetched. */
function bringDependencies(folder) {
  const { packages } = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8'));
  for (const [path, { dev, optional, bin = {} }] of Object.entries(packages)) {
    if (path === '' || dev || optional) continue;
    cpSync(join(root, path), join(folder, path), { recursive: true });
    // npm takes a package without its links in .bin for a broken one, and fetches it again.
    const links = join(folder, path.slice(0, path.lastIndexOf('node_modules/')), 'node_modules/.bin');
    for (const [name, target] of Object.entries(bin)) {
      mkdirSync(links, { recursive: true });
      symlinkSync(relative(links, join(folder, path, target)), join(links, name));
    }
  }
}

function tryIt(tarballs) {
  const folder = mkdtempSync(join(tmpdir(), 'gradsift-package-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "version": "1.0.0", "private": true }\n');
    bringDependencies(folder);
    if (npm('install the tarballs', ['install', ...tarballs], folder) === undefined) return;
    const programs = readdirSync(join(root, 'test/package'));
    // The addon must be found where it was installed, not in this repository.
    const env = { ...process.env, GRADSIFT_BINDING: '' };
    for (const program of programs) {
      cpSync(join(root, 'test/package', program), join(folder, program));
      step(`run ${program}`, process.execPath, [program], { cwd: folder, env });
    }
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const accept = (output) => output.trim() === version;
    const command = join(folder, 'node_modules/.bin/gradsift');
    step('gradsift --version', command, ['--version'], { cwd: folder, env, accept });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (step('stage', process.execPath, [join(root, 'scripts/stage.mjs')]) !== undefined) {
  const tarballs = pack();
  const facade = tarballs.find((path) => /gradsift-\d[^/]*$/.test(path) && !/x64|arm64/.test(path));
  step('publint', join(root, 'node_modules/.bin/publint'), ['run', facade, '--strict']);
  // node16 leaves out the resolution of Node 10, which knows no `exports` and which no Node that runs this has.
  step('arethetypeswrong', join(root, 'node_modules/.bin/attw'), [facade, '--no-emoji', '--profile', 'node16']);
  tryIt(tarballs);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
