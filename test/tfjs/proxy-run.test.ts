// DoGE and DoReMi on domains whose answer is known, and each step against gradients and losses found without the loop.
import { doge, type DogeOptions } from '../../lib/reweighting/doge.js';
import { dga } from '../../lib/reweighting/dga.js';
import type { DomainNumbers, DomainWeights } from '../../lib/reweighting/domains.js';
import { doremi } from '../../lib/reweighting/doremi.js';
import type { DrawnSample } from '../../lib/reweighting/mixture-sampler.js';
import { uniform } from '../../lib/reweighting/uniform.js';
import type { LoopEvidence } from '../../lib/tfjs/mixing/run.js';
import { proxyRun, type ProxyRunOptions } from '../../lib/tfjs/proxy-run.js';
import type { Model } from '../../lib/tfjs/model.js';
import { thrownCode, U32, U64 } from '../linalg/matrices.js';
import { dot, flatGradient, norm, recorded } from './mixing/oracle.js';
import { batch, common, DOMAINS, network, SIZES, TARGET } from './mixing/sequences.js';
import { centres, quadratic, sgd } from './quadratic.js';
import { accelerated, setBackend, tf } from './tensorflow.js';

describe('quadratic domains', () => {
  const CENTRES = { a: [1, 0, 0], b: [0, 1, 0], c: [0, 0, 1], planted: [0.5, 0.3, 0.2] };
  const RATE = 0.2;
  beforeAll(() => setBackend('cpu'));

  /** Weights after 300 steps, from uneven ones. Every sample of a domain is alike: nothing is random. */
  function weightsOf(options: DogeOptions, target?: ProxyRunOptions['target']) {
    const model = quadratic([0, 0, 0]);
    const run = proxyRun({
      ...{ model, optimizer: sgd(model, RATE), batch: centres(CENTRES), batchPerDomain: 1, target },
      rule: doge({ ...options, stepSize: 0.3 }),
      sizes: { a: 4, b: 4, c: 4 },
      initial: { a: 0.2, b: 0.1, c: 0.7 },
    });
    for (let i = 0; i < 300; ++i) run.step();
    model.dispose();
    return run.weights();
  }

  // theta is float32, of size 1: gradients are off by unit roundoffs, and 1 / RATE of them add up before they fade.
  const BOUND = 32 * U32 * (1 / RATE);
  const expectWeights = (actual: DomainWeights, expected: readonly number[]) =>
    Object.values(actual).forEach((weight, i) => {
      expect(Math.abs(weight - (expected[i] as number))).toBeLessThanOrEqual(BOUND);
    });

  test('DoGE for a target converges to the planted weights', () => {
    expectWeights(weightsOf({ target: { name: 'planted' } }, { size: 1 }), CENTRES.planted);
  });

  test('universal DoGE converges to uniform weights', () => {
    expectWeights(weightsOf({}), [1 / 3, 1 / 3, 1 / 3]);
  });
});

/** One step of plain gradient descent at rate 1 of a small GPT, and everything about it. */
function oneStep(options: Omit<Partial<ProxyRunOptions>, 'rule'> & Pick<ProxyRunOptions, 'rule'>) {
  return accelerated('wasm', () => {
    const { batch: make, calls } = recorded(batch);
    const [model, before] = [network(1), network(1)];
    const run = proxyRun({ model, optimizer: sgd(model, 1), sizes: SIZES, seed: 5, ...options, batch: make });
    const record = run.step();
    const flat = (of: Model) => Object.values(of.weights).flatMap((weight) => [...weight.dataSync<'float32'>()]);
    const [from, to] = [flat(before), flat(model)];
    const moved = from.map((value, i) => value - (to[i] as number));
    const gradients = new Map(calls.map((samples) => [samples[0]?.domain, flatGradient(before, batch, samples)]));
    const gradient = (name: string) => gradients.get(name) as number[];
    return { run, record, calls, from, moved, gradients, gradient, before, evidence: record.evidence as LoopEvidence };
  });
}

/** sum_i factors[i] g_i */
const combined = (factors: DomainNumbers, gradient: (name: string) => readonly number[]) =>
  gradient(Object.keys(factors)[0] as string).map((_, at) =>
    Object.entries(factors).reduce((sum, [name, factor]) => sum + factor * (gradient(name)[at] as number), 0),
  );

/** A product and a sum in float32 for each term, and the rounding of the weights that are stepped and compared. */
function expectMoved(moved: readonly number[], expected: readonly number[], from: readonly number[], terms: number) {
  const largest = Math.max(...expected.map(Math.abs));
  moved.forEach((value, i) => {
    const bound = 2 * terms * U32 * largest + 2 * U32 * (Math.abs(from[i] as number) + largest);
    expect(Math.abs(value - (expected[i] as number))).toBeLessThanOrEqual(bound);
  });
}

describe('a step of DoGE', () => {
  test('universal: goes along sum_i alpha_i g_i, with the weights that the products gave', async () => {
    const rule = doge({ stepSize: 2 });
    const { run, record, from, moved, gradient, evidence } = await oneStep({ rule, batchPerDomain: 2 });
    for (const one of DOMAINS) {
      for (const other of DOMAINS) {
        const [a, b] = [gradient(one), gradient(other)];
        const product = evidence.gram?.[one]?.[other] as number;
        expect(Math.abs(product - dot(a, b))).toBeLessThanOrEqual(2 * a.length * U64 * norm(a) * norm(b));
      }
    }
    const next = rule.update(rule.init(DOMAINS), { gram: evidence.gram });
    expect(run.weights()).toEqual(rule.weights(next));
    expect(record.weights).toEqual(rule.weights(next));
    expect(Object.values(record.weights)).not.toEqual([1 / 3, 1 / 3, 1 / 3]);
    expectMoved(moved, combined(record.weights, gradient), from, 3);
  });

  test('for a target: its samples give products only', async () => {
    const rule = doge({ target: { name: 'target' }, stepSize: 2, scoreNorm: 'cosine' });
    const { record, from, moved, gradient, evidence } = await oneStep({ rule, ...TARGET, batchPerDomain: 2 });
    const h = gradient('target');
    for (const name of DOMAINS) {
      const g = gradient(name);
      const bound = 2 * g.length * U64 * norm(g) * norm(h);
      expect(Math.abs((evidence.alignment?.[name] as number) - dot(g, h))).toBeLessThanOrEqual(bound);
    }
    expect(Object.keys(record.lossByDomain)).toEqual(DOMAINS);
    expect(record.targetLoss).toBeGreaterThan(0);
    expectMoved(moved, combined(record.weights, gradient), from, 3);
  });

  test('measureClipNorm clips the gradients of the step too', async () => {
    const clipNorm = 0.4;
    const rule = doge({ stepSize: 2 });
    const { record, from, moved, gradient } = await oneStep({ rule, batchPerDomain: 2, measureClipNorm: clipNorm });
    const clipped = (name: string) => {
      const factor = Math.min(1, clipNorm / (norm(gradient(name)) + 1e-6));
      expect(factor).toBeLessThan(1);
      return gradient(name).map((value) => factor * value);
    };
    expectMoved(moved, combined(record.weights, clipped), from, 3);
  });

  test('a batch that lacks domains tells the rule of the others; the step is along theirs', async () => {
    const rule = doge({ variant: 'official', stepSize: 2 });
    const { record, from, moved, gradients, gradient, evidence } = await oneStep({ rule, batchSize: 2, seed: 3 });
    const present = DOMAINS.filter((name) => gradients.has(name));
    expect(present.length).toBeLessThan(3);
    expect(Object.keys(evidence.gram ?? {})).toEqual(present);
    expect(record.weights).toEqual(rule.weights(rule.update(rule.init(DOMAINS), { gram: evidence.gram })));
    const weights = Object.fromEntries(present.map((name) => [name, record.weights[name] as number]));
    expectMoved(moved, combined(weights, gradient), from, 3);
  });

  test('a batch that lacks the target leaves the weights as they are', async () => {
    const rule = doge({ target: { name: 'target' }, scoreNorm: 'cosine', stepSize: 2 });
    const sampling = { up: 0.5, down: 0.5, still: 0, target: 0 };
    const { record, evidence } = await oneStep({ rule, ...TARGET, batchSize: 2, sampling });
    expect(evidence.alignment).toEqual({});
    expect(record.targetLoss).toBeUndefined();
    for (const weight of Object.values(record.weights)) expect(Math.abs(weight - 1 / 3)).toBeLessThanOrEqual(4 * U64);
  });

  test('a batch of the target alone is drawn on', async () => {
    const rule = doge({ target: { name: 'target' }, stepSize: 2 });
    const sampling = { up: 0.05, down: 0, still: 0, target: 0.95 };
    const { gradients } = await oneStep({ rule, ...TARGET, batchSize: 1, sampling });
    expect(gradients.has('up')).toBe(true);
  });
});

describe('a step of DoReMi', () => {
  const SAMPLING = { up: 0.5, down: 0.25, still: 0.25 };
  const values = (make: () => { dataSync(): ArrayLike<number> }) => tf.tidy(() => Array.from(make().dataSync()));

  /** What a step should be, from the losses of each sample alone. */
  function expected(calls: readonly (readonly DrawnSample[])[], excess: (sample: DrawnSample) => number) {
    const samples = calls.flat();
    const present = DOMAINS.filter((name) => samples.some(({ domain }) => domain === name));
    const mean = (name: string) => {
      const own = samples.filter(({ domain }) => domain === name).map(excess);
      return own.reduce((sum, value) => sum + value, 0) / own.length;
    };
    return { samples, excessLoss: Object.fromEntries(present.map((name) => [name, mean(name)])) };
  }

  test.each([true, false])('excess losses, weights and objective (tokens: %s)', async (tokens) => {
    const rule = doremi({ stepSize: 3 });
    const reference = await accelerated('wasm', () => network(2));
    const other: Model = tokens ? reference : { tf, weights: reference.weights, losses: reference.losses };
    const given = { rule, reference: other, batchSize: 6, sampling: SAMPLING };
    const { record, calls, from, moved, before, evidence } = await oneStep(given);
    await accelerated('wasm', () => {
      const losses = (model: typeof reference, sample: DrawnSample) => {
        const one = batch([sample]);
        const found = values(() => (tokens ? model.tokenLosses(one) : model.losses(one)));
        tf.dispose([one.inputs, one.targets]);
        return found;
      };
      const { samples, excessLoss } = expected(calls, (sample) => {
        const [own, theirs] = [losses(before, sample), losses(reference, sample)];
        const terms = own.map((loss, i) => Math.max(0, loss - (theirs[i] as number)));
        return terms.reduce((sum, term) => sum + term, 0) / terms.length;
      });
      // Losses of a sample alone and in a batch are the same sums; they may be blocked differently.
      const rounding = 64 * U32 * 3;
      for (const [name, value] of Object.entries(excessLoss)) {
        expect(Math.abs((evidence.excessLoss?.[name] as number) - value)).toBeLessThanOrEqual(rounding);
      }
      expect(record.weights).toEqual(rule.weights(rule.update(rule.init(DOMAINS), evidence as never)));
      const factor = ({ domain }: DrawnSample) =>
        (record.weights[domain] as number) / SAMPLING[domain as keyof typeof SAMPLING];
      const total = samples.reduce((sum, sample) => sum + factor(sample), 0);
      const gradients = samples.map((sample) => flatGradient(before, batch, [sample]));
      const sum = from.map((_, at) =>
        samples.reduce((part, sample, i) => part + (factor(sample) / total) * (gradients[i]?.[at] as number), 0),
      );
      expectMoved(moved, sum, from, 64); // the backward pass is rounded too
    });
  });

  test('a reference that is as good leaves only smoothing', async () => {
    const reference = await accelerated('wasm', () => network(1));
    const { evidence, record } = await oneStep({ rule: doremi(), reference, batchSize: 6 });
    expect(Object.values(evidence.excessLoss ?? {}).every((value) => value === 0)).toBe(true);
    for (const weight of Object.values(record.weights)) expect(Math.abs(weight - 1 / 3)).toBeLessThanOrEqual(4 * U64);
  });

  test('a batch of domains without weight changes nothing but its place', async () => {
    await accelerated('wasm', () => {
      const [model, reference] = [network(1), network(2)];
      const options = { ...common(model), reference, batchSize: 1, initial: { up: 0, down: 0, still: 1 } };
      const run = proxyRun({ ...options, rule: doremi({ smoothing: 0 }), clipNorm: 1 });
      const norms = Array.from({ length: 8 }, () => run.step()).map(({ lossByDomain, gradientNorm }) => {
        return 'still' in lossByDomain ? [] : [gradientNorm];
      });
      expect(norms.flat().length).toBeGreaterThan(0);
      expect(norms.flat().every((norm) => norm === 0)).toBe(true);
      expect(run.weights()).toEqual({ up: 0, down: 0, still: 1 });
    });
  });

  test('a reference whose loss is NaN is an error, and nothing has changed', async () => {
    await accelerated('wasm', () => {
      const reference = network(2);
      const nan: Model = { ...reference, tokenLosses: (given) => tf.mul(reference.tokenLosses(given), NaN) };
      const run = proxyRun({ ...common(network(1)), rule: doremi(), reference: nan, batchSize: 4 });
      const before = { state: run.state(), tensors: tf.memory().numTensors };
      expect(thrownCode(() => run.step())).toBe('GRADSIFT_NON_FINITE');
      expect({ state: run.state(), tensors: tf.memory().numTensors }).toEqual(before);
    });
  });
});

describe('bad input', () => {
  const target = { name: 'target' };
  const cases: [string, object][] = [
    ['a rule for another loop', { rule: uniform() }],
    ['a rule with a longer period', { rule: dga(), ...TARGET }],
    ['no batch size', { batchSize: undefined }],
    ['batchSize 0', { batchSize: 0 }],
    ['both batch sizes', { batchPerDomain: 2 }],
    ['batchPerDomain 0', { batchSize: undefined, batchPerDomain: 0 }],
    [
      'batchPerDomain and sampling',
      { batchSize: undefined, batchPerDomain: 1, sampling: { up: 1, down: 0, still: 0 } },
    ],
    ['a target for universal DoGE', TARGET],
    ['no target', { rule: doge({ target }) }],
    ['a target that is a domain', { rule: doge({ target: { name: 'up' } }), target: { size: 3 } }],
    ['a domain with no data', { sizes: { ...SIZES, empty: 0 } }],
    [
      'sampling that leaves the target out',
      { rule: doge({ target }), ...TARGET, sampling: { up: 1, down: 0, still: 0 } },
    ],
    [
      'sampling of the target alone',
      { rule: doge({ target }), ...TARGET, sampling: { up: 0, down: 0, still: 0, target: 1 } },
    ],
    ['sampling that does not sum to 1', { sampling: { up: 1, down: 1, still: 1 } }],
    ['doremi without a reference', { rule: doremi() }],
    ['a reference for doge', { reference: {} }],
    ['doremi that never draws a domain', { rule: doremi(), reference: {}, sampling: { up: 1, down: 0, still: 0 } }],
  ];
  test.each(cases)('%s', async (_, change) => {
    await setBackend('cpu');
    const options = { ...common(network(1)), rule: doge(), batchSize: 4, ...change };
    expect(thrownCode(() => proxyRun(options as ProxyRunOptions))).toBe('GRADSIFT_ARGUMENT');
  });
});
