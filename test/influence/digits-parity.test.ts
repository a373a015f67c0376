// Agreement with the HyperINF authors' own scores on real LoRA gradients: test/data/digits-lora/README.md says how they
// were made. Tolerances are relative to the largest score.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import type { GradientStore } from '../../lib/gradients/store.js';
import { rocAuc } from '../../lib/influence/detection.js';
import { influence } from '../../lib/influence/influence.js';
import type { InfluenceOptions, MethodName } from '../../lib/influence/options.js';
import type { MethodResult } from '../../lib/influence/result.js';
import { relativeGap } from './fixtures.js';

const DATA = join(__dirname, '../data/digits-lora');
const reference = JSON.parse(readFileSync(join(DATA, 'reference-scores.json'), 'utf8')) as {
  methods: Record<string, { scores: number[]; roc_auc?: number }>;
};
const truth = JSON.parse(readFileSync(join(DATA, 'truth.json'), 'utf8')) as { flipped: number[]; n: number };

let train: GradientStore;
let val: GradientStore;
beforeAll(async () => {
  train = await openGradients(join(DATA, 'train.safetensors'));
  val = await openGradients(join(DATA, 'val.safetensors'));
});
afterAll(() => Promise.all([train.close(), val.close()]));

async function run(method: MethodName, options: Partial<InfluenceOptions> = {}): Promise<MethodResult> {
  const result = await influence({ train, val, methods: [method], ...options });
  return result.methods[method] as MethodResult;
}

const gap = (result: MethodResult, name: string) =>
  relativeGap(result.scores[0] as Float64Array, (reference.methods[name] as { scores: number[] }).scores);

const cases: [string, MethodName, Partial<InfluenceOptions>, string, number][] = [
  // The engine sums in float32: 1e-5 is what the issue asks for.
  ['identity', 'tracin', { preset: 'mislabel' }, 'identity', 1e-5],
  ['iterative', 'hyperinf', { preset: 'mislabel' }, 'iterative', 1e-5],
  ['datainf', 'datainf', { preset: 'mislabel' }, 'datainf', 1e-5],
  // It diverges: every step multiplies the rounding of the one before.
  ['LiSSA', 'lissa', { preset: 'mislabel' }, 'LiSSA', 1e-4],
  ['LiSSA by its own name', 'lissa', { lissa: { compat: 'datainf' } }, 'LiSSA', 1e-4],
  // Float64 against float64: sums of 600 x 512 terms through a matrix of condition 3200.
  ['tracin_float64', 'tracin', {}, 'tracin_float64', 1e-12],
  ['datainf_float64', 'datainf', {}, 'datainf_float64', 1e-11],
  ['hyperinf_converged', 'hyperinf', {}, 'hyperinf_converged', 1e-9],
  ['hyperinf_converged, woodbury', 'hyperinf', { solver: 'woodbury' }, 'hyperinf_converged', 1e-9],
  ['hyperinf_converged, float32 Gram', 'hyperinf', { gramPrecision: 'f32' }, 'hyperinf_converged', 1e-5],
  ['the 0.001, converged', 'hyperinf', { preset: 'mislabel' }, 'hyperinf_converged_plus_0.001', 1e-9],
  ['full_block_float64', 'exact', {}, 'full_block_float64', 1e-9],
  ['full_block_float64, cholesky', 'exact', { solver: 'cholesky' }, 'full_block_float64', 1e-9],
];

test.each(cases)('%s', async (_, method, options, name, bound) => {
  const result = await run(method, options);
  expect(gap(result, name)).toBeLessThanOrEqual(bound);
});

test('every solve is certified below 1e-10', async () => {
  const result = await influence({ train, val, methods: ['hyperinf', 'exact'] });
  for (const method of Object.values(result.methods)) {
    expect(method.status).toBe('ok');
    for (const layer of method.layers) expect(layer.residual).toBeLessThanOrEqual(1e-10);
  }
});

test('LiSSA with the correct sign and a safe step converges, and near to the exact answer', async () => {
  const lissa = await run('lissa');
  expect(lissa.status).toBe('ok');
  for (const { residual } of lissa.layers) expect(residual).toBeLessThanOrEqual(0.01);
  // The residual of each layer is 1 % of its query; in scores that is a few per cent of the largest.
  expect(gap(lissa, 'full_block_float64')).toBeLessThan(0.1);
});

test('the authors LiSSA says that it diverged', async () => {
  const { status, layers } = await run('lissa', { lissa: { compat: 'datainf' } });
  expect(status).toBe('diverged');
  expect(layers[0]?.steps).toBe(10);
});

test('the flipped labels come out on top as in the reference', async () => {
  const flipped = new Uint8Array(truth.n);
  for (const sample of truth.flipped) flipped[sample] = 1;
  const result = await run('hyperinf');
  const auc = rocAuc(result.scores[0] as Float64Array, flipped);
  const expected = rocAuc((reference.methods['hyperinf_converged'] as { scores: number[] }).scores, flipped);
  expect(auc).toBe(expected);
});
