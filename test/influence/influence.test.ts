// What influence() refuses, skips, says and keeps.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import type { GradientStore } from '../../lib/gradients/store.js';
import { loadCurvature, saveCurvature } from '../../lib/influence/curvature-file.js';
import { fit as fitCurvature } from '../../lib/influence/fit.js';
import { influence } from '../../lib/influence/influence.js';
import { METHODS } from '../../lib/influence/options.js';
import { planInfluence } from '../../lib/influence/plan.js';
import { precondition } from '../../lib/influence/precondition.js';
import { toJson } from '../../lib/influence/result.js';
import { score } from '../../lib/influence/score.js';
import { maxAbs, noisyBlock, relativeGap, store, type Block } from './fixtures.js';

const DATA = join(__dirname, '../data/digits-lora');
const HARD = join(DATA, 'hard');
const open: GradientStore[] = [];
const file = async (path: string, options = {}) => {
  const opened = await openGradients(path, options);
  open.push(opened);
  return opened;
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradsift-influence-'));
});
afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  await rm(folder, { recursive: true });
});

const train = { a: noisyBlock(1, 40, 2, 6), b: noisyBlock(2, 40, 1, 5) };
const val = { a: noisyBlock(3, 4, 2, 6), b: noisyBlock(4, 4, 1, 5) };
const stores = async () => ({ train: await store(train, 'train'), val: await store(val, 'val') });

describe('hard stores', () => {
  test('nan: an error that names file, layer and sample', async () => {
    const path = join(HARD, 'nan.safetensors');
    const job = influence({
      train: await file(path),
      val: await file(join(DATA, 'val.safetensors')),
      methods: [...METHODS],
    });
    await expect(job).rejects.toMatchObject({
      code: 'GRADSIFT_NON_FINITE',
      message: expect.stringMatching(/nan\.safetensors.*"layers\.0\.lora_A".*sample 3\b/) as string,
    });
  });

  test('nan as val, too', async () => {
    const path = join(HARD, 'nan.safetensors');
    const job = influence({ train: await file(path, { exclude: 'layers.0.lora_A' }), val: await file(path) });
    expect((await job).unusedLayers).toEqual(['layers.0.lora_A']);
    await expect(influence({ train: await file(path), val: await file(path) })).rejects.toMatchObject({
      code: 'GRADSIFT_NON_FINITE',
    });
  });

  test('nan, skipped: left out of everything, listed, null in JSON', async () => {
    const nan = await file(join(HARD, 'nan.safetensors'));
    const options = { val: await file(join(DATA, 'val.safetensors')), methods: METHODS, onNonFinite: 'skip' } as const;
    const skipping = await influence({ train: nan, ...options });
    const rows = await takeSamples(nan, [0, 1, 2, 4]);
    const without = await influence({ train: await store(rows), ...options });
    expect(skipping.skipped).toEqual([{ store: nan.source, sample: 3, layer: 'layers.0.lora_A' }]);
    for (const method of METHODS) {
      const all = skipping.methods[method]?.scores[0] as Float64Array;
      expect(all[3]).toBeNaN();
      const left = [0, 1, 2, 4].map((sample) => all[sample] as number);
      // LiSSA may stop at another multiple of 16 steps: its residuals are within 1 % either way.
      const bound = method.startsWith('lissa') ? 0.05 : 1e-10;
      expect(relativeGap(left, without.methods[method]?.scores[0] as Float64Array)).toBeLessThanOrEqual(bound);
    }
    const json = JSON.parse(JSON.stringify(toJson(skipping))) as {
      methods: Record<string, { scores: (number | null)[][] }>;
    };
    expect(json.methods['hyperinf']?.scores[0]?.[3]).toBeNull();
    const curvature = await fitCurvature(nan, { onNonFinite: 'skip' });
    expect(curvature.samples).toBe(4);
  });

  test('stores of one name are told apart: a bad sample of val is not one of train', async () => {
    const bad = {
      ...val,
      a: { ...val.a, rows: val.a.rows.map((value, j) => (j === 13 ? NaN : value)) as Float64Array },
    };
    const memory = { train: await store(train), val: await store(bad) };
    const { methods, skipped } = await influence({ ...memory, onNonFinite: 'skip', queries: 'each' });
    expect(skipped).toEqual([{ store: 'memory', sample: 1, layer: 'a' }]);
    const lists = methods.hyperinf?.scores as Float64Array[];
    expect(lists[1]?.every(Number.isNaN)).toBe(true);
    for (const query of [0, 2, 3]) expect(lists[query]?.every(Number.isFinite)).toBe(true);
    const mean = await influence({ ...memory, onNonFinite: 'skip' });
    const left = [0, 2, 3].map((query) => lists[query] as Float64Array);
    const average = (lists[0] as Float64Array).map(
      (_, i) => left.reduce((sum, list) => sum + (list[i] as number), 0) / 3,
    );
    expect(relativeGap(average, mean.methods.hyperinf?.scores[0] as Float64Array)).toBeLessThanOrEqual(1e-10);
  });

  test('zero-layer: finite scores, the layer adds exactly 0 and is listed', async () => {
    const zero = await file(join(HARD, 'zero-layer.safetensors'));
    const { methods, skippedLayers } = await influence({
      train: zero,
      val: zero,
      methods: METHODS,
      perLayerScores: true,
    });
    expect(skippedLayers).toEqual(['layers.0.lora_A']);
    for (const method of METHODS) {
      expect(methods[method]?.status).toBe('ok');
      expect(Array.from(methods[method]?.scores[0] as Float64Array).every(Number.isFinite)).toBe(true);
      expect(maxAbs(methods[method]?.layers[0]?.scores?.[0] as Float64Array)).toBe(0);
    }
  });

  test('mismatched as val: file, layer and both shapes', async () => {
    const job = influence({
      train: await file(join(DATA, 'train.safetensors')),
      val: await file(join(HARD, 'mismatched.safetensors')),
    });
    await expect(job).rejects.toMatchObject({
      code: 'GRADSIFT_SHAPE',
      message: expect.stringMatching(/mismatched\.safetensors.*"layers\.0\.lora_A".*4 x 64.*4 x 60/) as string,
    });
  });

  test('a layer that val lacks, and a store of nothing but bad samples', async () => {
    const { a } = val;
    await expect(influence({ ...(await stores()), val: await store({ a }) })).rejects.toMatchObject({
      code: 'GRADSIFT_SHAPE',
    });
    const bad = { a: { shape: [1, 2, 6], rows: new Float64Array(12).fill(NaN) } as Block, b: noisyBlock(9, 1, 1, 5) };
    const job = influence({ ...(await stores()), val: await store(bad, 'bad'), onNonFinite: 'skip' });
    await expect(job).rejects.toMatchObject({ code: 'GRADSIFT_NON_FINITE' });
  });

  test('bf16 and f16 score as their widened twins, bit for bit', async () => {
    for (const name of ['bf16', 'f16']) {
      const results = [];
      for (const path of [`${name}.safetensors`, `${name}-as-f32.safetensors`]) {
        const one = await file(join(HARD, path));
        results.push((await influence({ train: one, val: one })).methods.hyperinf?.scores);
      }
      expect(results[0]).toEqual(results[1]);
    }
  });
});

async function takeSamples(from: GradientStore, samples: readonly number[]): Promise<Record<string, Block>> {
  const layers: Record<string, Block> = {};
  for (const layer of from.layers) {
    for await (const { rows } of from.blocks(layer, { blockSamples: from.samples })) {
      const length = layer.r * layer.d;
      const taken = Float32Array.from(
        samples.flatMap((sample) => Array.from(rows.subarray(sample * length, (sample + 1) * length))),
      );
      layers[layer.name] = { shape: [samples.length, layer.r, layer.d], rows: taken };
    }
  }
  return layers;
}

describe('options', () => {
  const refused: [string, Record<string, unknown>][] = [
    ['damping and dampingRatio', { damping: 1, dampingRatio: 1 }],
    ...[NaN, Infinity, -1, '1', null].map((damping): [string, Record<string, unknown>] => [
      `damping ${damping}`,
      { damping },
    ]),
    ['dampingRatio -0.1', { dampingRatio: -0.1 }],
    ['side long', { side: 'long' }],
    ['fisherScale r', { fisherScale: 'r' }],
    ['gramPrecision f16', { gramPrecision: 'f16' }],
    ['convention repo', { convention: 'repo' }],
    ['queries all', { queries: 'all' }],
    ['solver lu', { solver: 'lu' }],
    ['preset paper', { preset: 'paper' }],
    ['preset and solver', { preset: 'mislabel', solver: 'cholesky' }],
    ['preset and schulz', { preset: 'mislabel', schulz: { steps: 3 } }],
    ['schulz without solver schulz', { schulz: { steps: 3 } }],
    ['alpha 0', { solver: 'schulz', schulz: { alpha: 0 } }],
    ['steps 1.5', { solver: 'schulz', schulz: { steps: 1.5 } }],
    ['tolerance 0', { tolerance: 0 }],
    ['no methods', { methods: [] }],
    ['a method twice', { methods: ['tracin', 'tracin'] }],
    ['an unknown method', { methods: ['kfac'] }],
    ['lissa compat and steps', { methods: ['lissa'], lissa: { compat: 'datainf', steps: 3 } }],
    ['lissa compat without lissa', { lissa: { compat: 'datainf' } }],
    ['lissa stepSize -1', { methods: ['lissa'], lissa: { stepSize: -1 } }],
    ['memoryBytes 0', { memoryBytes: 0 }],
    ['memoryBytes 2GiB', { memoryBytes: '2GiB' }],
    ['threads 0', { threads: 0 }],
    ['topK -1', { topK: -1 }],
    ['ids too short', { ids: ['a'] }],
    ['onNonFinite ignore', { onNonFinite: 'ignore' }],
    ['onProgress true', { onProgress: true }],
    ['perLayerScores 1', { perLayerScores: 1 }],
    ['workDir empty', { workDir: '' }],
    ['train a path', { train: 'train.safetensors' }],
    ['val null', { val: null }],
    ['woodbury for rows', { solver: 'woodbury', side: 'rows' }],
    ['saveCurvature for tracin', { methods: ['tracin'], saveCurvature: 'x.safetensors' }],
    ['woodbury and saveCurvature', { solver: 'woodbury', saveCurvature: 'x.safetensors' }],
  ];
  test.each(refused)('refuses %s', async (_, options) => {
    const job = influence({ ...(await stores()), ...options });
    await expect(job).rejects.toMatchObject({ code: 'GRADSIFT_ARGUMENT' });
  });

  test('a budget that is too small names needed and given bytes', async () => {
    const job = influence({ ...(await stores()), memoryBytes: 1000 });
    await expect(job).rejects.toMatchObject({
      code: 'GRADSIFT_MEMORY',
      message: expect.stringMatching(/needs \d+ bytes.*got 1000/) as string,
    });
    // The full Fisher of 2^20 columns is 8 TiB: said before anything is allocated.
    const wide = await store({ layer: { shape: [2, 1, 2 ** 20], rows: new Float32Array(2 ** 21) } });
    expect(() => planInfluence({ train: wide, val: wide, solver: 'cholesky' })).toThrow(
      expect.objectContaining({ code: 'GRADSIFT_MEMORY' }),
    );
    expect(planInfluence({ train: wide, val: wide, methods: ['exact'] }).layers[0]?.methods[0]?.solver).toBe(
      'woodbury',
    );
  });

  test('damping 0 on a singular curvature is an outcome, not NaN', async () => {
    const { methods } = await influence({
      ...(await stores()),
      damping: 0,
      methods: ['hyperinf', 'datainf', 'datainf-matrix', 'exact'],
      fitOn: await store({ a: noisyBlock(5, 2, 2, 6), b: noisyBlock(6, 2, 1, 5) }),
    });
    for (const method of Object.values(methods)) {
      expect(method.status).toBe('notPositiveDefinite');
      expect(maxAbs(method.scores[0] as Float64Array)).toBe(0);
    }
  });
});

describe('the result', () => {
  test('carries what the schema asks for, and survives JSON', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const result = await influence({ ...(await stores()), methods: ['hyperinf', 'datainf'], topK: 3, ids, threads: 1 });
    expect(Object.keys(result)).toEqual(
      expect.arrayContaining([
        'schema',
        'convention',
        'samples',
        'ids',
        'queries',
        'methods',
        'inputs',
        'version',
        'isa',
        'threads',
      ]),
    );
    const json = JSON.parse(JSON.stringify(toJson(result))) as Record<string, unknown>;
    expect(json).toMatchObject({
      schema: 'gradsift/influence/1',
      convention: 'loss-derivative',
      samples: 40,
      ids,
      queries: ['mean'],
      threads: 1,
    });
    const hyperinf = (json['methods'] as Record<string, Record<string, unknown>>)['hyperinf'] as Record<
      string,
      unknown
    >;
    expect(hyperinf['scores']).toEqual([Array.from(result.methods.hyperinf?.scores[0] as Float64Array)]);
    expect((hyperinf['layers'] as unknown[])[0]).toMatchObject({
      name: 'a',
      shape: [40, 2, 6],
      solver: expect.any(String) as string,
      residual: expect.any(Number) as number,
    });
    const top = (hyperinf['top'] as { highest: { sample: number; id: string; score: number }[] }[])[0];
    expect(top?.highest[0]?.id).toBe(`s${top?.highest[0]?.sample}`);
    const elsewhere = toJson(result, { scoreFiles: { hyperinf: 'scores.npy' } }) as {
      methods: Record<string, unknown>;
    };
    expect(elsewhere.methods['hyperinf']).toMatchObject({ scores: null, scoresFile: 'scores.npy' });
  });

  test('progress ends at its total and never goes back', async () => {
    for (const fitOn of [undefined, await store(train, 'fit')]) {
      const seen: number[] = [];
      let total = 0;
      const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) => {
        seen.push(doneBytes);
        total = totalBytes;
      };
      await influence({
        ...(await stores()),
        fitOn,
        methods: ['tracin', 'hyperinf', 'datainf'],
        onNonFinite: 'skip',
        onProgress,
      });
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(seen.at(-1)).toBe(total);
    }
  });

  test('methods share their reads and do not touch each other', async () => {
    const together = await influence({ ...(await stores()), methods: METHODS });
    for (const method of METHODS) {
      const alone = await influence({ ...(await stores()), methods: [method] });
      expect(together.methods[method]?.scores).toEqual(alone.methods[method]?.scores);
    }
  });
});

describe('curvature', () => {
  test('fit, precondition and score are influence in three steps, bit for bit', async () => {
    for (const side of ['columns', 'rows'] as const) {
      for (const queries of ['mean', 'each'] as const) {
        const { train: samples, val: validation } = await stores();
        const h = await precondition(await fitCurvature(samples, { side }), validation, {
          solver: 'cholesky',
          queries,
        });
        const { scores } = await score(samples, h);
        const whole = await influence({ train: samples, val: validation, side, queries, solver: 'cholesky' });
        expect(scores).toEqual(whole.methods.hyperinf?.scores);
        expect(h.layers.map(({ residual }) => residual)).toEqual(
          whole.methods.hyperinf?.layers.map(({ residual }) => residual),
        );
      }
    }
  });

  test('saved and loaded, it gives the same bits in one pass', async () => {
    const path = join(folder, 'curvature.safetensors');
    const whole = await influence({
      ...(await stores()),
      saveCurvature: path,
      methods: ['hyperinf', 'lissa-gfim', 'datainf'],
      solver: 'cholesky',
    });
    const again = await influence({
      ...(await stores()),
      loadCurvature: path,
      methods: ['hyperinf', 'lissa-gfim', 'datainf'],
      solver: 'cholesky',
    });
    for (const method of ['hyperinf', 'lissa-gfim', 'datainf'] as const) {
      expect(again.methods[method]?.scores).toEqual(whole.methods[method]?.scores);
    }
    const { train: samples, val: validation } = await stores();
    expect(planInfluence({ train: samples, val: validation, loadCurvature: path }).layers[0]?.methods[0]?.passes).toBe(
      1,
    );
    expect(await fitCurvature(samples)).toEqual(await loadCurvature(path));
    await expect(
      influence({ train: samples, val: validation, loadCurvature: path, side: 'rows' }),
    ).rejects.toMatchObject({ code: 'GRADSIFT_ARGUMENT' });
    await expect(
      influence({ train: samples, val: validation, loadCurvature: path, fitOn: samples }),
    ).rejects.toMatchObject({ code: 'GRADSIFT_ARGUMENT' });
    const other = await store({ a: noisyBlock(1, 4, 3, 4) });
    await expect(influence({ train: other, val: other, loadCurvature: path })).rejects.toMatchObject({
      code: 'GRADSIFT_SHAPE',
    });
    await expect(precondition(await loadCurvature(path), other)).rejects.toMatchObject({ code: 'GRADSIFT_SHAPE' });
  });

  test('a file that is no curvature is refused', async () => {
    await expect(loadCurvature(join(DATA, 'val.safetensors'))).rejects.toMatchObject({ code: 'GRADSIFT_FORMAT' });
    const path = join(folder, 'damaged.safetensors');
    const curvature = await fitCurvature((await stores()).train);
    await saveCurvature(path, { ...curvature, samples: -1 });
    await expect(loadCurvature(path)).rejects.toMatchObject({ code: 'GRADSIFT_FORMAT' });
  });
});
