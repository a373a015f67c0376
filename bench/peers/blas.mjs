// Builds bench/peers/blas.cc (or small.cc beside it) and runs it: the rows of one operation, our native code and the
// libraries that are installed (OpenBLAS, BLIS, oneDNN: opened at run time) in one process.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { backend } from 'gradsift';

const root = fileURLToPath(new URL('../../', import.meta.url));
const built = new Map();

// LIBXSMM exists as a static library only, and only small.cc asks for it.
const XSMM = ['-lxsmm', '-lxsmmnoblas', '-lm'];
const hasXsmm = () =>
  spawnSync('g++', ['-x', 'c++', '-', '-o', '/dev/null', ...XSMM, '-lpthread', '-ldl'], {
    input: '#include <libxsmm.h>\nint main() { libxsmm_init(); }',
  }).status === 0;

/** The path of the program made from bench/peers/NAME.cc and the addon's objects; false where none can be built. */
function build(name) {
  if (process.platform !== 'linux' || spawnSync('g++', ['--version']).status !== 0) return false;
  const { core, kernels, linalg, flags } = JSON.parse(readFileSync(`${root}native/sources.json`, 'utf8'));
  const objects = [...core, ...kernels, ...linalg].map(
    (source) => `build/Release/obj.target/gradsift/${source.replace(/cc$/, 'o')}`,
  );
  mkdirSync(`${root}build/peers`, { recursive: true });
  const program = `${root}build/peers/${name}`;
  const [define, libraries] = name === 'small' && hasXsmm() ? [['-DWITH_LIBXSMM'], XSMM] : [[], []];
  const options = [
    '-std=c++20',
    '-I.',
    ...flags,
    ...define,
    `bench/peers/${name}.cc`,
    ...objects,
    '-o',
    program,
    ...libraries,
  ];
  options.push('-lpthread', '-ldl');
  execFileSync('g++', options, { cwd: root, stdio: 'inherit' });
  return program;
}

// Debian 12's OpenBLAS and BLIS do not know the newest processors and would take kernels of 2013 there: they are told
// to use those for AVX-512, or for AVX2 where GRADSIFT_ISA makes ours do so. In our own program their threads sleep
// soon after their work, since ours take turns with them.
const KERNELS = {
  avx512: { OPENBLAS_CORETYPE: 'SkylakeX', BLIS_ARCH_TYPE: '0' },
  avx2: { OPENBLAS_CORETYPE: 'Haswell', BLIS_ARCH_TYPE: '3', ONEDNN_MAX_CPU_ISA: 'AVX2', DNNL_MAX_CPU_ISA: 'AVX2' },
};
/** The environment of a process with such a library in it; what the shell says of them does not count. */
export const ENVIRONMENT = { OPENBLAS_L2_SIZE: undefined, ...KERNELS[backend().isa.replace(/bf16$/, '')] };

/**
 * Rows of bench/run.mjs for an operation that the program knows; none where it cannot be built. `types` and `sizes`, if
 * given, are the only ones.
 */
export function blasRows(operation, { threads, types = ['f32', 'f64'], sizes = [] }, name = 'blas') {
  if (!built.has(name)) built.set(name, build(name));
  const program = built.get(name);
  if (!program) return [];
  const own = { OPENBLAS_THREAD_TIMEOUT: '20', ...ENVIRONMENT };
  const settings = Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  console.log(`peers of ${operation} run with ${settings.join(' ')}`);
  const env = { ...process.env, ...own };
  const lists = [threads, types, ...(sizes.length > 0 ? [sizes] : [])].map((list) => list.join(','));
  return JSON.parse(execFileSync(program, [operation, ...lists], { encoding: 'utf8', env }));
}
