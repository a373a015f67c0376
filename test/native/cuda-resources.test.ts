// What each CUDA kernel takes of a multiprocessor, as ptxas said when `npm run build:cuda` built the library.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const RECORD = join(ROOT, 'build-cuda/resources.json');
const SOURCES = join(ROOT, 'native/cuda');

interface Use {
  readonly registers: number;
  readonly spillBytes: number;
}

const changed = (path: string) => statSync(path).mtimeMs;
const newest = Math.max(...readdirSync(SOURCES).map((name) => changed(join(SOURCES, name))));
const fresh = existsSync(RECORD) && changed(RECORD) >= newest;

if (!fresh) {
  test.skip('registers and spills of the CUDA kernels (needs npm run build:cuda)', () => undefined);
} else {
  const kernels = Object.entries(JSON.parse(readFileSync(RECORD, 'utf8')) as Record<string, Use>);

  test('no kernel spills, and every block fits the registers of a multiprocessor', () => {
    expect(kernels.length).toBeGreaterThan(40);
    expect(kernels.filter(([, { spillBytes }]) => spillBytes > 0).map(([name]) => name)).toEqual([]);
    // 65 536 registers: 512 threads of the largest small systems have 128 each, the 256 of a product up to 255.
    const most = (name: string) => (/(solve|inverse)_kernelILj128E/.test(name) ? 128 : 255);
    expect(kernels.filter(([name, { registers }]) => registers > most(name)).map(([name]) => name)).toEqual([]);
  });
}
