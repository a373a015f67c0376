// Builds the CPU addon (node-gyp) and lib/ (tsc, ESM and CJS). `node scripts/build.mjs [native|lib]`; both by default.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

function run(script, args) {
  const { status } = spawnSync(process.execPath, [require.resolve(script), ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

// Node's own headers lie beside the binary in every official archive and distribution package: using them keeps the
// build off the network. Elsewhere node-gyp fetches them, as it does for every addon.
function headers() {
  if (process.env.npm_config_nodedir) return [];
  const prefix = resolve(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

function buildNative() {
  const jobs = String(availableParallelism());
  run('node-gyp/bin/node-gyp.js', [
    'configure',
    'build',
    '--silent',
    '-j',
    jobs,
    ...headers(),
    ...process.argv.slice(3),
  ]);
}

function buildLib() {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('typescript/bin/tsc', ['-p', 'tsconfig.json']);
  run('typescript/bin/tsc', ['-p', 'tsconfig.cjs.json']);
  mkdirSync(join(root, 'dist/cjs'), { recursive: true });
  writeFileSync(join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n');
  chmodSync(join(root, 'dist/esm/cli/main.js'), 0o755); // npm does this where it installs; `npx gradsift` here needs it
}

const what = process.argv[2] ?? 'all';
if (!['all', 'native', 'lib'].includes(what)) {
  console.error(`build: expected native, lib or nothing, got ${what}`);
  process.exit(2);
}
if (what !== 'lib') buildNative();
if (what !== 'native') buildLib();
