import { influence } from '../../lib/influence/influence.js';
import type { InfluenceOptions, MethodName } from '../../lib/influence/options.js';
import { O1, relativeGap, store } from './fixtures.js';

/** Each number is a sum of at most 100 products of numbers of size 1, through a matrix of condition 7. */
const BOUND = 100 * 7 * 2 ** -53;
/** Float32 at the authors' alpha: 30 steps recompute I - A X, so the error stays at condition x rounding. */
const F32_BOUND = 100 * 7 * 2 ** -24;

async function scores(method: MethodName, options: Partial<InfluenceOptions> = {}): Promise<Float64Array> {
  const [train, val] = [await store(O1.train), await store(O1.val)];
  const result = await influence({ train, val, methods: [method], ...options });
  return result.methods[method]?.scores[0] as Float64Array;
}

const cases: [string, MethodName, Partial<InfluenceOptions>, [number, number], number][] = [
  ['TracIn', 'tracin', {}, [-4, -1], BOUND],
  ['HyperINF, converged', 'hyperinf', {}, [-2184360 / 1333123, -901140 / 1333123], BOUND],
  ['HyperINF, Cholesky', 'hyperinf', { solver: 'cholesky' }, [-2184360 / 1333123, -901140 / 1333123], BOUND],
  ['HyperINF, damping given', 'hyperinf', { damping: 7 / 60 }, [-2184360 / 1333123, -901140 / 1333123], BOUND],
  ['DataInf', 'datainf', {}, [-50280 / 2989, -5820 / 2989], BOUND],
  ['DataInf, damping given', 'datainf', { damping: 7 / 60 }, [-50280 / 2989, -5820 / 2989], BOUND],
  ['exact Fisher', 'exact', {}, [-50280 / 46189, -5820 / 46189], BOUND],
  [
    'LiSSA on the GFIM',
    'lissa-gfim',
    { lissa: { stepSize: 1 / 8, steps: 7, tolerance: 0 } },
    [-1.3018602945966522, -0.35784763808826997],
    BOUND,
  ],
  [
    'Schulz, 3 steps',
    'hyperinf',
    { solver: 'schulz', schulz: { alpha: 1 / 8, steps: 3 } },
    [-1.3018602945966522, -0.35784763808826997],
    BOUND,
  ],
  [
    'Schulz, 9 steps',
    'hyperinf',
    { solver: 'schulz', schulz: { alpha: 1 / 8, steps: 9 } },
    [-2184360 / 1333123, -901140 / 1333123],
    BOUND,
  ],
  ['preset mislabel', 'hyperinf', { preset: 'mislabel' }, [-1.637164658367, -0.6749065593613], 1e-13 * 1e3],
  ['preset llm', 'hyperinf', { preset: 'llm' }, [-2184360 / 1333123, -901140 / 1333123], F32_BOUND],
  ['preset vlm', 'hyperinf', { preset: 'vlm' }, [-1.400242704526, -0.4435049381609], F32_BOUND],
  ['the other sign', 'tracin', { convention: 'proponent' }, [4, 1], BOUND],
];

test.each(cases)('%s', async (_, method, options, expected, bound) => {
  expect(relativeGap(await scores(method, options), expected)).toBeLessThanOrEqual(bound);
});
