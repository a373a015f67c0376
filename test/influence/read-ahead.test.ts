import type { GradientStore, RowBlock } from '../../lib/gradients/store.js';
import { influence } from '../../lib/influence/influence.js';
import { openLayerRows } from '../../lib/influence/layer-rows.js';
import { planInfluence } from '../../lib/influence/plan.js';
import { readAhead } from '../../lib/influence/read-ahead.js';
import { noise, store } from './fixtures.js';

const [samples, r, d] = [6, 2, 3];

/** A store whose rows cost memory, as those of a file do, and which tells what was read when. */
async function telling(log: string[]): Promise<GradientStore> {
  const layer = (seed: number) => ({ shape: [samples, r, d] as const, rows: noise(seed, samples * r * d) });
  const inner = await store({ a: layer(1), b: layer(2), c: layer(3) });
  async function* blocks(...args: Parameters<GradientStore['blocks']>): AsyncGenerator<RowBlock, undefined> {
    const [{ name }] = args;
    log.push(`read ${name}`);
    for await (const block of inner.blocks(...args)) yield block;
    log.push(`left ${name}`);
    return undefined;
  }
  return { ...inner, blocks, blockBytes: (_, count) => 8 * count * r * d };
}

const options = async (log: string[]) => ({
  train: await telling(log),
  val: await telling([]),
  methods: ['hyperinf'] as const,
  solver: 'cholesky' as const,
});

test('the next layer is read while one is computed, in order, each once', async () => {
  const log: string[] = [];
  const steps: string[] = [];
  const onProgress = ({ phase, layer }: { phase: string; layer: string }) => {
    if (phase === 'score')
      steps.push(`${layer} scored, ${log.filter((entry) => entry.startsWith('read')).length} read`);
  };
  await influence({ ...(await options(log)), onProgress });
  expect(log.filter((entry) => entry.startsWith('read'))).toEqual(['read a', 'read b', 'read c']);
  expect(steps).toEqual(['a scored, 2 read', 'b scored, 3 read', 'c scored, 3 read']);
});

test('only where the budget has room for both; the bits are the same', async () => {
  const given = await options([]);
  const plan = planInfluence(given);
  expect(plan.layers.map(({ readsAhead }) => readsAhead)).toEqual([true, true, false]);
  const memoryBytes = plan.peakBytes - 1;
  const tight = planInfluence({ ...given, memoryBytes });
  expect(tight.layers.map(({ readsAhead }) => readsAhead)).toEqual([false, false, false]);
  expect(tight.peakBytes).toBeLessThan(plan.peakBytes);
  const scores = async (more: object) => (await influence({ ...given, ...more })).methods.hyperinf?.scores;
  expect(await scores({ memoryBytes })).toEqual(await scores({}));
});

test('what was read and not taken is closed, and an error waits for the first pass', async () => {
  const train = await telling([]);
  const closed: number[] = [];
  const [first, second] = train.layers;
  const rows = readAhead((index, onKept) => {
    const from = index === 0 ? train : { ...train, blocks: failingBlocks };
    const layer = (index === 0 ? first : second) as NonNullable<typeof first>;
    const open = openLayerRows(from, layer, { blockSamples: samples, skip: undefined, signal: undefined, onKept });
    return { ...open, close: () => open.close().then(() => void closed.push(index)) };
  });
  const a = await rows.take(0);
  await a.forEachBlock(() => undefined);
  const b = await rows.take(1);
  await expect(b.forEachBlock(() => undefined)).rejects.toThrow('torn');
  await b.close();
  await a.close();
  await rows.close();
  expect(closed).toEqual([1, 0]);
  const again = await rows.take(0);
  await again.forEachBlock(() => undefined);
  await rows.close();
  expect(closed).toEqual([1, 0, 1]);
});

async function* failingBlocks(): AsyncGenerator<RowBlock, undefined> {
  throw new Error('torn');
}
