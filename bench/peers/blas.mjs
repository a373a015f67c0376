// Builds bench/peers/blas.cc against OpenBLAS (libopenblas-dev) and LIBXSMM (libxsmm-dev) where they are installed, and
// runs it: the rows of one operation, our native code and the peers in one process.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const program = `${root}build/peers/blas`;
let built;

function compiles(includes, libraries) {
  const source = includes.map((name) => `#include <${name}>\n`).join('');
  const options = ['-x', 'c++', '-', '-o', '/dev/null', ...libraries];
  return spawnSync('g++', options, { input: `${source}int main() {}` }).status === 0;
}

function build() {
  if (!compiles(['cblas.h'], ['-lopenblas'])) return false;
  const { core, kernels, linalg, flags } = JSON.parse(readFileSync(`${root}native/sources.json`, 'utf8'));
  const xsmm = ['-lxsmm', '-lxsmmext', '-lxsmmnoblas', '-lpthread', '-lrt', '-ldl', '-lm'];
  const withXsmm = compiles(['libxsmm.h'], xsmm);
  mkdirSync(`${root}build/peers`, { recursive: true });
  const options = ['-std=c++20', '-I.', ...flags, ...(withXsmm ? ['-DWITH_LIBXSMM'] : [])];
  const libraries = [...(withXsmm ? xsmm.slice(0, 2) : []), '-lopenblas', '-lpthread', '-ldl', '-lm'];
  const sources = ['bench/peers/blas.cc', ...core, ...kernels, ...linalg];
  execFileSync('g++', [...options, ...sources, '-o', program, ...libraries], { cwd: root, stdio: 'inherit' });
  return existsSync(program);
}

/** Rows of bench/run.mjs for an operation that blas.cc knows; none where OpenBLAS is not installed. */
export function blasRows(operation, threads) {
  built ??= build();
  if (!built) return [];
  return JSON.parse(execFileSync(program, [operation, ...threads.map(String)], { encoding: 'utf8' }));
}
