// What every estimator of influence must keep, whatever its formula. One row an algorithm.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GradientStore } from '../../lib/gradients/store.js';
import { influence } from '../../lib/influence/influence.js';
import type { InfluenceOptions, MethodName } from '../../lib/influence/options.js';
import { planInfluence, type Plan } from '../../lib/influence/plan.js';
import type { InfluenceResult, MethodResult } from '../../lib/influence/result.js';
import { maxAbs, noise, noisyBlock, relativeGap, store, type Block } from '../influence/fixtures.js';

interface Row {
  readonly name: string;
  readonly method: MethodName;
  readonly options?: Partial<InfluenceOptions>;
  /** Scores when every gradient of train and val is multiplied by c, relative to before; null: no such rule. */
  readonly scaling: ((c: number) => number) | null;
}

const unchanged = () => 1;
const estimators: Row[] = [
  { name: 'tracin', method: 'tracin', scaling: (c) => c * c },
  { name: 'hyperinf', method: 'hyperinf', scaling: unchanged },
  { name: 'hyperinf, cholesky', method: 'hyperinf', options: { solver: 'cholesky' }, scaling: unchanged },
  { name: 'hyperinf, woodbury', method: 'hyperinf', options: { solver: 'woodbury' }, scaling: unchanged },
  { name: 'hyperinf, rows', method: 'hyperinf', options: { side: 'rows' }, scaling: unchanged },
  { name: 'hyperinf, 1/r', method: 'hyperinf', options: { fisherScale: '1/r' }, scaling: unchanged },
  { name: 'hyperinf, f32 Gram', method: 'hyperinf', options: { gramPrecision: 'f32' }, scaling: unchanged },
  { name: 'datainf', method: 'datainf', scaling: unchanged },
  { name: 'datainf-matrix', method: 'datainf-matrix', scaling: unchanged },
  { name: 'datainf-matrix, rows', method: 'datainf-matrix', options: { side: 'rows' }, scaling: unchanged },
  { name: 'lissa', method: 'lissa', scaling: unchanged },
  {
    name: 'lissa, few steps',
    method: 'lissa',
    options: { lissa: { steps: 3, stepSize: 1 / 25, tolerance: 0 } },
    scaling: null,
  },
  { name: 'lissa-gfim', method: 'lissa-gfim', scaling: unchanged },
  { name: 'exact', method: 'exact', scaling: unchanged },
  { name: 'exact, cholesky', method: 'exact', options: { solver: 'cholesky' }, scaling: unchanged },
];

const N = 300;
const M = 7;
type Layers = Readonly<Record<string, Block>>;

function layersOf(seed: number, samples: number): Layers {
  return {
    wide: noisyBlock(seed, samples, 3, 20),
    flat: noisyBlock(seed + 1, samples, 1, 9),
    zero: { shape: [samples, 2, 4], rows: new Float64Array(samples * 8) },
    tall: noisyBlock(seed + 2, samples, 6, 4),
  };
}

const TRAIN = layersOf(1, N);
const VAL = layersOf(11, M);

/** Takes samples in the given order. */
function take(layers: Layers, order: readonly number[]): Layers {
  return mapLayers(layers, ({ shape: [, r, d], rows }) => {
    const length = r * d;
    const taken = new Float64Array(order.length * length);
    order.forEach((from, to) => taken.set(rows.subarray(from * length, (from + 1) * length), to * length));
    return { shape: [order.length, r, d], rows: taken };
  });
}

function mapLayers(layers: Layers, change: (block: Block) => Block): Layers {
  return Object.fromEntries(Object.entries(layers).map(([name, block]) => [name, change(block)]));
}

const times = (layers: Layers, c: number) =>
  mapLayers(layers, ({ shape, rows }) => ({ shape, rows: rows.map((value) => c * value) }));

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A fixed shuffle: sorted by hashed numbers. */
function shuffled(count: number): number[] {
  const keys = noise(99, count);
  return range(count).sort((a, b) => (keys[a] as number) - (keys[b] as number));
}

async function run(
  row: Row,
  train: Layers,
  val: Layers,
  more: Partial<InfluenceOptions> = {},
): Promise<InfluenceResult> {
  const stores = { train: await store(train, 'train'), val: await store(val, 'val') };
  return influence({ ...stores, methods: [row.method], ...row.options, ...more });
}

const of = (row: Row, result: InfluenceResult) => result.methods[row.method] as MethodResult;

async function scores(row: Row, train: Layers, val: Layers, more: Partial<InfluenceOptions> = {}) {
  return of(row, await run(row, train, val, more)).scores[0] as Float64Array;
}

// Scores are sums of at most 300 x 60 products, through matrices whose condition is at most 1 + 10 r d = 601 here, and
// solves are certified to 1e-10 of their query; a float32 Gram rounds each of at most 300 terms.
const BOUND = 300 * 60 * 601 * 2 ** -53 + 1e-10;
const boundOf = ({ options }: Row) => (options?.gramPrecision === 'f32' ? 300 * 601 * 2 ** -24 : BOUND);
/** LiSSA looks at its residual every 16 steps: another order of summation may stop it there or 16 steps later. */
const stopsEarly = ({ method, options }: Row) => method.startsWith('lissa') && options?.lissa === undefined;
const toleranceOf = (row: Row) => (stopsEarly(row) ? 0.05 : boundOf(row));

describe.each(estimators)('$name', (row) => {
  test('permuting samples permutes scores', async () => {
    const order = shuffled(N);
    const before = await scores(row, TRAIN, VAL);
    const after = await scores(row, take(TRAIN, order), VAL);
    expect(
      relativeGap(
        after,
        before.map((_, i) => before[order[i] as number] as number),
      ),
    ).toBeLessThanOrEqual(toleranceOf(row));
  });

  test('duplicating the samples changes no score', async () => {
    const before = await scores(row, TRAIN, VAL);
    const after = await scores(row, take(TRAIN, [...range(N), ...range(N)]), VAL);
    expect(relativeGap(after.subarray(0, N), before)).toBeLessThanOrEqual(toleranceOf(row));
    expect(relativeGap(after.subarray(N), before)).toBeLessThanOrEqual(toleranceOf(row));
  });

  test('scaling all gradients', async () => {
    if (row.scaling === null) return;
    const c = 8;
    const before = await scores(row, TRAIN, VAL);
    const after = await scores(row, times(TRAIN, c), times(VAL, c));
    const factor = row.scaling(c);
    const expected = before.map((value) => factor * value);
    expect(relativeGap(after, expected)).toBeLessThanOrEqual(toleranceOf(row));
  });

  test('the same bits for any number of threads', async () => {
    const one = await scores(row, TRAIN, VAL, { threads: 1 });
    for (const threads of [2, 3, 7]) expect(await scores(row, TRAIN, VAL, { threads })).toEqual(one);
  });

  test('each query alone, and their mean', async () => {
    const each = of(row, await run(row, TRAIN, VAL, { queries: 'each' }));
    const mean = await scores(row, TRAIN, VAL);
    const average = mean.map((_, i) => each.scores.reduce((sum, list) => sum + (list[i] as number), 0) / M);
    expect(each.scores).toHaveLength(M);
    expect(relativeGap(average, mean)).toBeLessThanOrEqual(toleranceOf(row));
  });

  test('per-layer scores sum to the total, bit for bit; the zero layer adds exactly 0', async () => {
    const { scores: totals, layers } = of(row, await run(row, TRAIN, VAL, { perLayerScores: true }));
    const sum = new Float64Array(N);
    for (const layer of layers) for (let i = 0; i < N; ++i) sum[i]! += layer.scores?.[0]?.[i] as number;
    expect(sum).toEqual(totals[0]);
    expect(maxAbs(layers.find(({ name }) => name === 'zero')?.scores?.[0] as Float64Array)).toBe(0);
    const shares = layers.map(({ share }) => share);
    expect(Math.abs(shares.reduce((a, b) => a + b) - 1)).toBeLessThanOrEqual(4 * 2 ** -53);
  });

  test('without the zero layer the bits are the same', async () => {
    const { zero: _train, ...train } = TRAIN;
    const { zero: _val, ...val } = VAL;
    expect(await scores(row, train, val)).toEqual(await scores(row, TRAIN, VAL));
  });

  test('the other convention is the other sign', async () => {
    const harmful = await scores(row, TRAIN, VAL);
    const proponent = await scores(row, TRAIN, VAL, { convention: 'proponent' });
    expect(proponent).toEqual(harmful.map((value) => -value));
  });

  test('fitting on the same samples from another store changes nothing', async () => {
    const fitOn = await store(TRAIN, 'fit');
    expect(relativeGap(await scores(row, TRAIN, VAL, { fitOn }), await scores(row, TRAIN, VAL))).toBeLessThanOrEqual(
      toleranceOf(row),
    );
  });

  test('an aborted job rejects with the reason', async () => {
    const reason = new Error('enough');
    await expect(run(row, TRAIN, VAL, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const onProgress = () => controller.abort(reason);
    await expect(run(row, TRAIN, VAL, { signal: controller.signal, onProgress })).rejects.toBe(reason);
  });

  test('an interrupted job continues from its work folder with the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gradsift-work-'));
    try {
      const undisturbed = of(row, await run(row, TRAIN, VAL));
      const controller = new AbortController();
      let seen = '';
      const onProgress = ({ layer, phase }: { layer: string; phase: string }) => {
        seen = layer;
        if (layer === 'tall' && phase !== 'queries') controller.abort(new Error('interrupted'));
      };
      const work = { workDir: folder };
      await expect(run(row, TRAIN, VAL, { ...work, signal: controller.signal, onProgress })).rejects.toThrow(
        'interrupted',
      );
      expect(seen).toBe('tall');
      const layers: string[] = [];
      const resumed = of(
        row,
        await run(row, TRAIN, VAL, { ...work, onProgress: ({ layer }) => void layers.push(layer) }),
      );
      expect(new Set(layers)).toEqual(new Set(['tall']));
      expect(resumed.scores).toEqual(undisturbed.scores);
      expect(resumed.layers).toEqual(undisturbed.layers);
      const again = of(row, await run(row, TRAIN, VAL, work));
      expect(again.scores).toEqual(undisturbed.scores);
      await expect(run(row, times(TRAIN, 2), VAL, work)).rejects.toMatchObject({ code: 'GRADSIFT_ARGUMENT' });
      await expect(run(row, TRAIN, VAL, { ...work, dampingRatio: 0.3 })).rejects.toMatchObject({
        code: 'GRADSIFT_ARGUMENT',
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

const LONG = 2100;
const LONG_TRAIN: Layers = { wide: noisyBlock(31, LONG, 3, 20), tall: noisyBlock(32, LONG, 6, 4) };
const LONG_VAL: Layers = { wide: noisyBlock(41, M, 3, 20), tall: noisyBlock(42, M, 6, 4) };

/** A store that owns its blocks, as a file does, and counts the bytes that are read. */
async function countingStore(layers: Layers) {
  const inner = await store(layers, 'train');
  const counted = { bytes: 0 };
  const train: GradientStore = {
    ...inner,
    blockBytes: (layer, samples) => Math.min(samples, layer.samples) * layer.r * layer.d * 8,
    async *blocks(layer, options) {
      for await (const block of inner.blocks(layer, options)) {
        counted.bytes += block.rows.byteLength;
        yield block;
      }
    },
  };
  return { train, counted };
}

const formsOf = ({ layers }: Plan) => layers.map(({ methods }) => methods.map(({ form }) => form));

/** The smallest budget in bytes that admits the forms of the plan without a limit. */
function smallestBudget(options: InfluenceOptions): number {
  const free = planInfluence(options);
  let [low, high] = [0, free.peakBytes];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    let fits = false;
    try {
      fits =
        JSON.stringify(formsOf(planInfluence({ ...options, memoryBytes: middle }))) === JSON.stringify(formsOf(free));
    } catch (error) {
      expect(error).toMatchObject({ code: 'GRADSIFT_MEMORY' });
    }
    if (fits) high = middle;
    else low = middle;
  }
  return high;
}

/** The least budget that keeps every layer: reading ahead is what goes first. */
function keepingBudget(options: InfluenceOptions): number {
  let plan = planInfluence(options);
  while (plan.layers.some(({ readsAhead }) => readsAhead)) {
    plan = planInfluence({ ...options, memoryBytes: plan.peakBytes - 1 });
  }
  return plan.peakBytes;
}

describe.each(estimators.filter(({ options }) => options?.solver !== 'woodbury'))('$name, streamed', (row) => {
  test('the same bits for any memory budget; reads as planned', async () => {
    const { train, counted } = await countingStore(LONG_TRAIN);
    const options = { train, val: await store(LONG_VAL, 'val'), methods: [row.method], ...row.options };
    const whole = of(row, await influence(options));
    expect(whole.passes).toBe(1);
    const smallest = smallestBudget(options);
    const peakBytes = keepingBudget(options);
    for (const memoryBytes of [peakBytes - 1, Math.floor((smallest + peakBytes) / 2), smallest]) {
      const plan = planInfluence({ ...options, memoryBytes });
      expect(plan.layers.some(({ kept }) => !kept)).toBe(true);
      expect(plan.peakBytes).toBeLessThanOrEqual(memoryBytes);
      counted.bytes = 0;
      const found = of(row, await influence({ ...options, memoryBytes }));
      expect(found.scores).toEqual(whole.scores);
      expect(found.layers).toEqual(whole.layers);
      expect(found.passes).toBe(plan.passes[row.method]);
      expect(counted.bytes).toBe(plan.layers.reduce((sum, layer) => sum + layer.bytesRead.train, 0));
    }
  });
});
