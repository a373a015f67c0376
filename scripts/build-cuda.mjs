// Builds libgradsift_cuda.so beside the addon (npm run build:cuda) and tells what each kernel takes of the device.
// `-- 90a`: for GPUs of compute capability 9.0 only; without, for all. GRADSIFT_JOBS: how many compilers at a time.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { kernelTable, readResources } from './cuda-resources.mjs';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'build-cuda');
const library = 'libgradsift_cuda.so';
const architectures = process.argv.slice(2);

function run(command, args) {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  if (status === 0) return stdout;
  console.error(stdout ?? '');
  console.error(`build:cuda: ${command} ${args.join(' ')}: ${error?.message ?? `status ${status}`}`);
  process.exit(status ?? 1);
}

const ninja = spawnSync('ninja', ['--version']).status === 0 ? ['-G', 'Ninja'] : [];
const chosen = architectures.length > 0 ? [`-DCMAKE_CUDA_ARCHITECTURES=${architectures.join(';')}`] : [];
const options = ['-DGRADSIFT_ADDON=OFF', '-DGRADSIFT_CUDA=ON', '-DGRADSIFT_WERROR=ON'];
run('cmake', ['-S', '.', '-B', folder, ...ninja, ...options, ...chosen]);
const jobs = process.env.GRADSIFT_JOBS ? ['--parallel', process.env.GRADSIFT_JOBS] : ['--parallel'];
const output = run('cmake', ['--build', folder, ...jobs]);

// Only what was compiled now is in the output: the rest is known from the builds before.
const record = join(folder, 'resources.json');
const known = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {};
const resources = { ...known, ...readResources(output) };
writeFileSync(record, `${JSON.stringify(resources, null, 1)}\n`);
console.log(kernelTable(resources));

mkdirSync(join(root, 'build/Release'), { recursive: true });
copyFileSync(join(folder, 'Release', library), join(root, 'build/Release', library));
console.log(`built build/Release/${library}`);
