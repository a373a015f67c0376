// What every run promises, whatever its loop and rule: to go on where it stopped, to leave nothing behind, and to stay
// as it was when a loss is not a number.
import { join } from 'node:path';
import { dga } from '../../../lib/reweighting/dga.js';
import { doge } from '../../../lib/reweighting/doge.js';
import { doremi } from '../../../lib/reweighting/doremi.js';
import { odm } from '../../../lib/reweighting/odm.js';
import { uniform } from '../../../lib/reweighting/uniform.js';
import { loadCheckpoint, saveCheckpoint } from '../../../lib/tfjs/checkpoint.js';
import type { Gpt } from '../../../lib/tfjs/gpt.js';
import type { MixtureRun } from '../../../lib/tfjs/mixing/run.js';
import { onlineMixer } from '../../../lib/tfjs/online-mixer.js';
import { proxyRun } from '../../../lib/tfjs/proxy-run.js';
import { temporaryFolder } from '../../gradients/temporary-folder.js';
import { thrownCode } from '../../linalg/matrices.js';
import { accelerated, tf } from '../tensorflow.js';
import { common, network, TARGET } from './sequences.js';

const BASIS = { rising: { up: 0.75, still: 0.25 }, falling: { down: 0.5, still: 0.5 } };

const RUNS: Readonly<Record<string, (model: Gpt, reference: Gpt) => MixtureRun>> = {
  'dga, averaged': (model) =>
    onlineMixer({
      ...common(model),
      ...TARGET,
      rule: dga({ period: 3, ema: { beta: 0.3, feedBack: false }, scoreNorm: 'cosine' }),
      ...{ batchSize: 4, measureSize: 2 },
    }),
  'dga on a basis': (model) =>
    onlineMixer({ ...common(model), ...TARGET, basis: BASIS, rule: dga({ period: 2 }), batchSize: 4 }),
  odm: (model) => onlineMixer({ ...common(model), rule: odm({ variant: 'smoothed', period: 2 }), batchSize: 4 }),
  'odm on a basis': (model) => onlineMixer({ ...common(model), rule: odm(), basis: BASIS, batchSize: 4 }),
  'doge online': (model) => onlineMixer({ ...common(model), rule: doge(), period: 2, batchSize: 4 }),
  'uniform, with replacement': (model) =>
    onlineMixer({ ...common(model), rule: uniform(), batchSize: 4, replacement: true }),
  'doge universal': (model) => proxyRun({ ...common(model), rule: doge({ variant: 'official' }), batchSize: 4 }),
  'doge for a target': (model) =>
    proxyRun({ ...common(model), ...TARGET, rule: doge({ target: { name: 'target' } }), batchPerDomain: 2 }),
  doremi: (model, reference) => proxyRun({ ...common(model), reference, rule: doremi(), batchSize: 4 }),
};
const NAMES = Object.keys(RUNS);
const make = (name: string, seed = 1, change: (model: Gpt) => Gpt = (model) => model) =>
  (RUNS[name] as (typeof RUNS)[string])(change(network(seed)), network(2));

const path = join(temporaryFolder(), 'run.safetensors');
const bits = ({ variables }: MixtureRun) =>
  Object.values(variables).map((variable) => [...new Uint32Array(variable.dataSync().slice().buffer)]);
const steps = (run: MixtureRun, count: number) => Array.from({ length: count }, () => run.step());

test.each(NAMES)('%s: 9 steps are 5 steps, a new process, and 4 steps', async (name) => {
  const [straight, stopped, resumed] = await accelerated('wasm', () => [make(name), make(name), make(name, 9)]);
  const records = await accelerated('wasm', () => steps(straight, 9));
  const [whole, half, rest] = [straight, stopped, resumed] as [MixtureRun, MixtureRun, MixtureRun];
  await accelerated('wasm', () => steps(half, 5));
  await saveCheckpoint(path, half.variables, half.state());
  rest.restore(await loadCheckpoint(tf, path, rest.variables));
  expect(rest.stepsDone).toBe(5);
  expect(await accelerated('wasm', () => steps(rest, 4))).toEqual(records.slice(5));
  expect(bits(rest)).toEqual(bits(whole));
  expect(rest.state()).toEqual(whole.state());
  expect(rest.learned()).toEqual(whole.learned());
  expect(rest.sampling()).toEqual(whole.sampling());
  const moved = Object.values(rest.weights()).some((weight, _, all) => weight !== 1 / all.length);
  expect(moved).toBe(!name.startsWith('uniform'));
});

test.each(NAMES)('%s: leaves no tensor behind, and records are plain data', async (name) => {
  await accelerated('wasm', () => {
    const run = make(name);
    run.step();
    const { numTensors, numBytes } = tf.memory();
    const records = steps(run, 12);
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
    expect(JSON.parse(JSON.stringify(records))).toEqual(records);
    expect(records.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 2));
  });
});

test.each(NAMES)('%s: a loss that is NaN changes nothing, and the run can go on', async (name) => {
  await accelerated('wasm', () => {
    let broken = false;
    const breakable = (model: Gpt): Gpt => ({
      ...model,
      tokenLosses: (given) => {
        const losses = model.tokenLosses(given);
        return broken ? tf.mul(losses, NaN) : losses;
      },
      losses: (given) => {
        const losses = model.losses(given);
        return broken ? tf.mul(losses, NaN) : losses;
      },
    });
    const [run, other] = [make(name, 1, breakable), make(name)];
    steps(run, 2);
    const before = { state: run.state(), bits: bits(run), tensors: tf.memory().numTensors };
    broken = true;
    expect(thrownCode(() => run.step())).toBe('GRADSIFT_NON_FINITE');
    expect({ state: run.state(), bits: bits(run), tensors: tf.memory().numTensors }).toEqual(before);
    broken = false;
    steps(run, 2);
    steps(other, 4);
    expect(bits(run)).toEqual(bits(other));
    expect(run.state()).toEqual(other.state());
  });
});

test('states of other runs are refused, and leave the run as it is', async () => {
  await accelerated('wasm', () => {
    const run = make('dga, averaged');
    const state = run.state();
    const cases: unknown[] = [
      null,
      'state',
      { ...state, schema: 'gradsift/mixture-run/2' },
      { ...state, loop: 'proxyRun' },
      { ...state, step: -1 },
      { ...state, optimizerSteps: NaN },
      { ...state, rule: { ...state.rule, rule: 'odm' } },
      { ...state, rule: { ...state.rule, domains: ['up', 'still', 'down'] } },
      { ...state, rule: { ...state.rule, weights: [0.5, 0.5, 0.5] } },
      { ...state, rule: { ...state.rule, raw: undefined } },
      { ...state, training: { ...state.training, seed: 4 } },
      { ...state, training: { ...state.training, drawn: 4 } },
      { ...state, measuring: null },
      { ...state, losses: null },
      { ...state, losses: { up: null } },
      make('odm').state(),
    ];
    for (const other of cases) expect(thrownCode(() => run.restore(other))).toBe('GRADSIFT_ARGUMENT');
    expect(run.state()).toEqual(state);
    run.restore(JSON.parse(JSON.stringify(state)));
  });
});
