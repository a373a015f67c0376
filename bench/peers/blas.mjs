// Builds bench/peers/blas.cc and runs it: the rows of one operation, our native code and the libraries that are
// installed (OpenBLAS, BLIS, oneDNN: opened at run time) in one process.
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdirSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {backend} from 'gradsift';

const root = fileURLToPath(new URL('../../', import.meta.url));
const program = `${root}build/peers/blas`;
let built;

function build() {
  if (process.platform !== 'linux' || spawnSync('g++', ['--version']).status !== 0) return false;
  const {core, kernels, linalg, flags} = JSON.parse(readFileSync(`${root}native/sources.json`, 'utf8'));
  mkdirSync(`${root}build/peers`, {recursive: true});
  const sources = ['bench/peers/blas.cc', ...core, ...kernels, ...linalg];
  const options = ['-std=c++20', '-I.', ...flags, ...sources, '-o', program, '-lpthread', '-ldl'];
  execFileSync('g++', options, {cwd: root, stdio: 'inherit'});
  return true;
}

// Debian 12's OpenBLAS and BLIS do not know the newest processors and would take kernels of 2013 there: they are told
// to use those for AVX-512. Their threads sleep soon after their work, since ours take turns with them.
const AVX512 = {
  OPENBLAS_CORETYPE: 'SkylakeX',
  BLIS_ARCH_TYPE: '0'
};
const ENVIRONMENT = {
  OPENBLAS_THREAD_TIMEOUT: '20',
  ...(backend().isa.startsWith('avx512') ? AVX512 : {})
};

/** Rows of bench/run.mjs for an operation that blas.cc knows; none where it cannot be built. */
export function blasRows(operation, threads) {
  built ??= build();
  if (!built) return [];
  const settings = Object.entries(ENVIRONMENT).flatMap(([name, value]) => `${name}=${value}`);
  console.log(`peers of ${operation} run with ${settings.join(' ')}`);
  const env = {...ENVIRONMENT, ...process.env};
  return JSON.parse(execFileSync(program, [operation, ...threads.map(String)], {encoding: 'utf8', env}));
}
