// DGA on domains whose answer is known, what it measures, and what it draws.
import { dga } from '../../lib/reweighting/dga.js';
import { doge } from '../../lib/reweighting/doge.js';
import { doremi } from '../../lib/reweighting/doremi.js';
import type { DrawnSample } from '../../lib/reweighting/mixture-sampler.js';
import { odm } from '../../lib/reweighting/odm.js';
import { uniform } from '../../lib/reweighting/uniform.js';
import { adamw } from '../../lib/tfjs/adamw.js';
import type { LoopEvidence } from '../../lib/tfjs/mixing/run.js';
import { onlineMixer, type OnlineMixerOptions } from '../../lib/tfjs/online-mixer.js';
import { trainStep } from '../../lib/tfjs/train-step.js';
import { thrownCode, U64 } from '../linalg/matrices.js';
import { dot, flatGradient, norm, recorded } from './mixing/oracle.js';
import { batch, common, DOMAINS, network, SIZES, TARGET } from './mixing/sequences.js';
import { centres, quadratic, sgd } from './quadratic.js';
import { accelerated, BACKENDS, setBackend } from './tensorflow.js';

describe('quadratic domains', () => {
  const PLANTED = { a: 0.5, b: 0.3, c: 0.2 };
  const CENTRES = { a: [1, 0, 0], b: [0, 1, 0], c: [0, 0, 1], target: Object.values(PLANTED) };
  const [STEPS, BATCH] = [300, 150];

  /** Runs DGA, its alignments times `sign`; returns the mean weights of the second half, and the last. */
  function run(sign: number) {
    const model = quadratic([0.3, 0.3, 0.4]);
    const rule = dga({ period: 1, stepSize: 0.3 });
    const turned = (alignment = {}) =>
      Object.fromEntries(Object.entries<number>(alignment).map(([name, value]) => [name, sign * value]));
    const mixer = onlineMixer({
      ...{ model, optimizer: sgd(model, 0.2), batch: centres(CENTRES), batchSize: BATCH, measureSize: 1 },
      rule: {
        ...rule,
        update: (state, evidence) =>
          rule.update(state as never, { ...evidence, alignment: turned(evidence.alignment) }),
      },
      sizes: { a: 10, b: 10, c: 10 },
      target: { size: 1 },
    });
    const weights = Array.from({ length: STEPS }, () => mixer.step().weights);
    const half = weights.slice(STEPS / 2);
    const mean = (name: string) => half.reduce((sum, one) => sum + (one[name] as number), 0) / half.length;
    model.dispose();
    return { mean, last: mixer.weights() };
  }

  beforeAll(() => setBackend('cpu'));

  test('DGA converges to the planted weights', () => {
    const { mean } = run(+1);
    // theta sums what was drawn: (theta_end - theta_start) / rate = sum_t (drawn_t - theta_t). So the mean of the
    // weights is that of theta, which stays at the target, up to how far theta moves and what drawing adds.
    const moved = 1 / (0.2 * (STEPS / 2));
    const drawing = 5 * Math.sqrt(0.25 / (BATCH * (STEPS / 2)));
    for (const [name, weight] of Object.entries(PLANTED)) {
      expect(Math.abs(mean(name) - weight)).toBeLessThan(moved + drawing);
    }
  });

  test('with the sign turned it runs to a vertex', () => {
    expect(Math.max(...Object.values(run(-1).last))).toBeGreaterThan(0.999);
  });
});

describe.each(BACKENDS)('%s', (backend) => {
  const measured = (rule: OnlineMixerOptions['rule'], rest: object = {}) =>
    accelerated(backend, () => {
      const { batch: make, calls } = recorded(batch);
      const model = network(1);
      const { measureClipNorm: _, ...options } = { ...common(model), batch: make };
      const run = onlineMixer({ ...options, rule, period: 1, batchSize: 4, measureSize: 2, ...rest });
      const { evidence } = run.step();
      const [, ...measures] = calls; // the first is the training batch
      const gradients = measures.map((samples) => flatGradient(model, batch, samples));
      return { evidence: evidence as LoopEvidence, gradients, measures };
    });
  /** Both sum n products of the same float32 numbers in float64, in different orders. */
  const expectProduct = (actual: number | undefined, a: readonly number[], b: readonly number[], factor = 1) => {
    const bound = 2 * a.length * U64 * norm(a) * norm(b) * factor;
    expect(Math.abs((actual as number) - factor * dot(a, b))).toBeLessThanOrEqual(bound);
  };

  test('alignments are products of the gradients of fresh samples, at the weights after the step', async () => {
    const { evidence, gradients, measures } = await measured(dga(), TARGET);
    const [target, ...domains] = gradients as [number[], ...number[][]];
    expect(measures.map((samples) => samples.map(({ domain }) => domain))).toEqual(
      ['target', ...DOMAINS].map((name) => [name, name]),
    );
    expect(evidence.learningRate).toBe(3e-3);
    expectProduct((evidence.targetNorm as number) ** 2, target, target);
    DOMAINS.forEach((name, i) => {
      const own = domains[i] as number[];
      expectProduct(evidence.alignment?.[name], own, target);
      expectProduct((evidence.norms?.[name] as number) ** 2, own, own);
    });
  });

  test('measureClipNorm clips each of them', async () => {
    const clipNorm = 0.3;
    const { evidence, gradients } = await measured(dga(), { ...TARGET, measureClipNorm: clipNorm });
    const [target, ...domains] = gradients as [number[], ...number[][]];
    const shrink = (gradient: readonly number[]) => Math.min(1, clipNorm / (norm(gradient) + 1e-6));
    expect(shrink(target)).toBeLessThan(1);
    DOMAINS.forEach((name, i) => {
      const own = domains[i] as number[];
      expectProduct(evidence.alignment?.[name], own, target, shrink(own) * shrink(target));
    });
  });

  test('a rule without a target has the products of all pairs', async () => {
    const { evidence, gradients } = await measured(doge());
    DOMAINS.forEach((one, i) =>
      DOMAINS.forEach((other, j) => {
        expectProduct(evidence.gram?.[one]?.[other], gradients[i] as number[], gradients[j] as number[]);
      }),
    );
  });
});

describe('what is drawn', () => {
  /** Samples of the training batches, and records, of six steps. */
  const train = (options: Partial<OnlineMixerOptions> & Pick<OnlineMixerOptions, 'rule'>) =>
    accelerated('wasm', () => {
      const { batch: make, calls } = recorded(batch);
      const run = onlineMixer({ ...common(network(1)), batch: make, batchSize: 4, measureSize: 3, ...options });
      const records = Array.from({ length: 6 }, () => run.step());
      return { drawn: calls.filter(({ length }) => length === 4), records, run };
    });

  test('the samples of a domain come in one order, whatever the rule and its period', async () => {
    const inOrder = async (options: Parameters<typeof train>[0]) => {
      const samples = (await train(options)).drawn.flat();
      return DOMAINS.map((name) => samples.filter(({ domain }) => domain === name).map(({ index }) => index));
    };
    const plain = await inOrder({ rule: uniform() });
    const skewed = { up: 0.6, down: 0.1, still: 0.3 };
    for (const rule of [dga({ period: 1, stepSize: 10 }), dga({ period: 2 })]) {
      const orders = await inOrder({ rule, ...TARGET, initial: skewed });
      orders.forEach((order, i) => {
        const other = plain[i] as number[];
        const common = Math.min(order.length, other.length);
        expect(order.slice(0, common)).toEqual(other.slice(0, common));
      });
      expect(orders).not.toEqual(plain);
    }
  });

  test('a rule that learns nothing is plain training', async () => {
    const { drawn, records, run } = await train({ rule: uniform() });
    await accelerated('wasm', () => {
      const model = network(1);
      const optimizer = adamw(model.tf, model.weights, { learningRate: 3e-3 });
      drawn.forEach((samples: readonly DrawnSample[], step) => {
        const given = batch(samples);
        const { loss } = trainStep(model, optimizer, given, { clipNorm: 1, learningRate: 3e-3 / (1 + step) });
        expect(records[step]?.loss).toBe(loss);
      });
      const values = (weights: typeof model.weights) => Object.values(weights).map((weight) => [...weight.dataSync()]);
      expect(values(run.variables)).toEqual(values({ ...model.weights, ...optimizer.moments }));
    });
    expect(records.every(({ evidence }) => evidence === undefined)).toBe(true);
  });

  test('odm learns by the losses of what was drawn since its last update', async () => {
    const { drawn, records } = await train({ rule: odm({ period: 3 }) });
    expect(records.map(({ evidence }) => evidence !== undefined)).toEqual([false, false, true, false, false, true]);
    const [first, second] = [records.slice(0, 3), records.slice(3)];
    [first, second].forEach((part, place) => {
      const samples = drawn.slice(3 * place, 3 * place + 3);
      for (const name of DOMAINS) {
        const counts = samples.map((step) => step.filter(({ domain }) => domain === name).length);
        const count = counts.reduce((sum, value) => sum + value, 0);
        const sum = counts.reduce((all, n, step) => all + n * (part[step]?.lossByDomain[name] ?? 0), 0);
        const found = (part[2]?.evidence as LoopEvidence).loss?.[name];
        if (count === 0) expect(found).toBeUndefined();
        else expect(Math.abs((found as number) - sum / count)).toBeLessThanOrEqual(4 * 12 * U64 * (sum / count));
      }
    });
  });

  test('a basis of single domains is none, to the bit', async () => {
    const basis = { up: { up: 1 }, down: { down: 1 }, still: { still: 1 } };
    const rule = dga({ period: 2 });
    const [with_, without] = [await train({ rule, ...TARGET, basis }), await train({ rule, ...TARGET })];
    expect(with_.drawn).toEqual(without.drawn);
    expect(with_.records).toEqual(without.records);
    expect(with_.run.state()).toEqual(without.run.state());
  });

  test('a basis is drawn from as it says; a sample counts for its distributions by Bayes', async () => {
    const basis = { one: { up: 1 }, both: { up: 0.5, still: 0.5 } };
    const { run, drawn, records } = await train({ rule: dga({ period: 9 }), ...TARGET, basis });
    expect(run.weights()).toEqual({ one: 0.5, both: 0.5 });
    expect(run.sampling()).toEqual({ up: 0.75, down: 0, still: 0.25 });
    expect(drawn.flat().some(({ domain }) => domain === 'down')).toBe(false);
    // up is of `one` with probability 2/3, still never is.
    expect(Object.keys(records[0]?.lossByDomain ?? {}).sort()).toEqual(['both', 'one']);
  });

  test('one domain alone keeps its weight', async () => {
    for (const rule of [dga({ period: 1 }), doge(), odm()]) {
      const { run } = await train({ rule, sizes: { up: 7 }, ...(rule.name === 'dga' ? TARGET : {}) });
      expect(run.weights()).toEqual({ up: 1 });
    }
  });
});

describe('bad input', () => {
  const mixer = (change: object) =>
    onlineMixer({ ...common(network(1)), ...TARGET, rule: dga(), batchSize: 4, ...change });
  const cases: [string, string, object][] = [
    ['no model', 'GRADSIFT_ARGUMENT', { model: undefined }],
    ['no optimizer', 'GRADSIFT_ARGUMENT', { optimizer: null }],
    ['no rule', 'GRADSIFT_ARGUMENT', { rule: undefined }],
    ['a rule of another loop', 'GRADSIFT_ARGUMENT', { rule: doremi(), target: undefined }],
    ['no sizes', 'GRADSIFT_ARGUMENT', { sizes: undefined }],
    ['no domains', 'GRADSIFT_ARGUMENT', { sizes: {} }],
    ['a domain with no data', 'GRADSIFT_ARGUMENT', { sizes: { ...SIZES, empty: 0 } }],
    ['a size that is none', 'GRADSIFT_ARGUMENT', { sizes: { ...SIZES, half: 0.5 } }],
    ['no target', 'GRADSIFT_ARGUMENT', { target: undefined }],
    ['a target for a rule without one', 'GRADSIFT_ARGUMENT', { rule: odm() }],
    ['a target that is a domain', 'GRADSIFT_ARGUMENT', { target: { name: 'up', size: 3 } }],
    ["a target that is not the rule's", 'GRADSIFT_ARGUMENT', { rule: dga({ target: 'other' }) }],
    ['a target with no data', 'GRADSIFT_ARGUMENT', { target: { name: 'target', size: 0 } }],
    ['batchSize 0', 'GRADSIFT_ARGUMENT', { batchSize: 0 }],
    ['no batchSize', 'GRADSIFT_ARGUMENT', { batchSize: undefined }],
    ['measureSize 0', 'GRADSIFT_ARGUMENT', { measureSize: 0 }],
    ['period 0', 'GRADSIFT_ARGUMENT', { period: 0 }],
    ['a seed that is none', 'GRADSIFT_ARGUMENT', { seed: -1 }],
    ['clipNorm 0', 'GRADSIFT_ARGUMENT', { clipNorm: 0 }],
    ['measureClipNorm NaN', 'GRADSIFT_ARGUMENT', { measureClipNorm: NaN }],
    ['a learning rate that is no function', 'GRADSIFT_ARGUMENT', { learningRate: 1e-3 }],
    ['no batch function', 'GRADSIFT_ARGUMENT', { batch: undefined }],
    ['initial weights that do not sum to 1', 'GRADSIFT_ARGUMENT', { initial: { up: 0.5, down: 0.4, still: 0 } }],
    ['initial weights of other domains', 'GRADSIFT_ARGUMENT', { initial: { up: 0.5, other: 0.5 } }],
    ['an empty basis', 'GRADSIFT_ARGUMENT', { basis: {} }],
    ['a basis over unknown names', 'GRADSIFT_ARGUMENT', { basis: { one: { nowhere: 1 } } }],
    ['a basis that does not sum to 1', 'GRADSIFT_ARGUMENT', { basis: { one: { up: 0.5 } } }],
    ['a basis that is the target', 'GRADSIFT_ARGUMENT', { basis: { target: { up: 1 } } }],
  ];
  test.each(cases)('%s', async (_, code, change) => {
    await setBackend('cpu');
    expect(thrownCode(() => mixer(change))).toBe(code);
  });

  const steps: [string, string, object][] = [
    ['a batch of another size', 'GRADSIFT_SHAPE', { batch: (samples: DrawnSample[]) => batch(samples.slice(1)) }],
    ['a batch that is none', 'GRADSIFT_ARGUMENT', { batch: () => undefined }],
    ['a promise of a batch', 'GRADSIFT_ARGUMENT', { batch: (samples: DrawnSample[]) => ({ then: batch(samples) }) }],
    ['a learning rate that is none', 'GRADSIFT_ARGUMENT', { learningRate: () => NaN }],
  ];
  test.each(steps)('%s, found by the first step', async (_, code, change) => {
    await accelerated('wasm', () => {
      const run = mixer(change);
      const state = run.state();
      expect(thrownCode(() => run.step())).toBe(code);
      expect(run.state()).toEqual(state);
    });
  });
});
