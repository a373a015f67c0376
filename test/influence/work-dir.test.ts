// The folder that keeps finished layers: what it refuses, and what it continues from. That every estimator continues
// with equal bits is in the conformance suite.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { influence } from '../../lib/influence/influence.js';
import { METHODS } from '../../lib/influence/options.js';
import { noisyBlock, store } from './fixtures.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradsift-work-dir-'));
});
afterAll(() => rm(folder, { recursive: true }));

const train = { a: noisyBlock(1, 40, 2, 6), b: noisyBlock(2, 40, 1, 5) };
const val = { a: noisyBlock(3, 4, 2, 6), b: noisyBlock(4, 4, 1, 5) };
const stores = async () => ({ train: await store(train, 'train'), val: await store(val, 'val') });

describe('workDir', () => {
  test('a folder that belongs to nobody is refused, and left as it was', async () => {
    const path = await mkdtemp(join(folder, 'other-'));
    await writeFile(join(path, 'thesis.tex'), 'precious');
    await expect(influence({ ...(await stores()), workDir: path })).rejects.toMatchObject({
      code: 'GRADSIFT_ARGUMENT',
    });
    expect(await readdir(path)).toEqual(['thesis.tex']);
  });

  test('continues from the curvature of a layer whose scores are missing', async () => {
    const path = await mkdtemp(join(folder, 'work-'));
    const options = { methods: METHODS, solver: 'cholesky' } as const;
    const whole = await influence({ ...(await stores()), ...options, workDir: path });
    const files = await readdir(path);
    expect(files.filter((name) => name.includes('curvature'))).toHaveLength(2);
    await rm(join(path, files.find((name) => name.includes('00001.scores')) as string));
    const again = await influence({ ...(await stores()), ...options, workDir: path });
    for (const method of METHODS) expect(again.methods[method]?.scores).toEqual(whole.methods[method]?.scores);
    expect(JSON.parse(await readFile(join(path, 'job.json'), 'utf8'))).toMatchObject({ schema: 'gradsift/work/1' });
  });

  test('says which option differs', async () => {
    const path = await mkdtemp(join(folder, 'work-'));
    await influence({ ...(await stores()), workDir: path });
    await expect(influence({ ...(await stores()), workDir: path, side: 'rows' })).rejects.toThrow(
      /differs in .*options/,
    );
    const val2 = await store({ ...val, a: noisyBlock(77, 4, 2, 6) });
    await expect(influence({ ...(await stores()), val: val2, workDir: path })).rejects.toThrow(/differs in val/);
  });
});
