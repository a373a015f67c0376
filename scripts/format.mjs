// Formats the sources: prettier for TypeScript, scripts and JSON, clang-format for C++. `--check` only tells.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { trackedFiles } from './files.mjs';

const root = resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const check = process.argv.includes('--check');

function prettier() {
  const bin = join(require.resolve('prettier/package.json'), '..', 'bin/prettier.cjs');
  const args = [bin, check ? '--check' : '--write', '--log-level', 'warn', '.'];
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function clangFormat() {
  const { clangFormatPath } = require('clang-format-node');
  let clean = true;
  for (const file of trackedFiles(root).filter((name) => /\.(h|cc|cu|cuh)$/.test(name))) {
    const path = join(root, file);
    const before = readFileSync(path, 'utf8');
    const run = spawnSync(clangFormatPath, ['--assume-filename', path], { cwd: root, input: before, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`clang-format: ${run.stderr || run.error}`);
    if (run.stdout === before) continue;
    if (check) {
      console.error(`[warn] ${file}`);
      clean = false;
    } else {
      writeFileSync(path, run.stdout);
    }
  }
  return clean;
}

const results = [prettier(), clangFormat()];
if (results.includes(false)) {
  console.error('format: these files are not in shape; `npm run format` writes them.');
  process.exit(1);
}
