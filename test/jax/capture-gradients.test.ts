// First: what keeps hold of its memory.
import { wasmBytes } from './wasm-memory.js';
import * as jax from '@jax-js/jax';
import { domainGradients } from '../../lib/gradients/factored-sums.js';
import { factoredRows } from '../../lib/gradients/factored.js';
import { captureGradients } from '../../lib/jax/capture/capture-gradients.js';
import { releaseModel } from '../../lib/jax/capture/compiled.js';
import { gradientRows } from '../../lib/jax/capture/gradient-rows.js';
import type { JaxArray } from '../../lib/jax/jax.js';
import { causalSelfAttention } from '../../lib/jax/layers/attention.js';
import { dense } from '../../lib/jax/layers/dense.js';
import { embedding, unembedding } from '../../lib/jax/layers/embedding.js';
import { loraDense } from '../../lib/jax/layers/lora.js';
import { layerNorm, rmsNorm } from '../../lib/jax/layers/norm.js';
import type { Batch, Model } from '../../lib/jax/model.js';
import { norm, normals, thrownCode } from '../linalg/matrices.js';

const { numpy } = jax;

/** What is asked of every layer kind: relative error of a sample's gradient. */
const AGREEMENT = 1e-5;

const SAMPLES = 3;

const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
const array = (seed: number, shape: readonly number[], scale = 1) =>
  numpy.array(Float32Array.from(normals(seed, size(shape)), (x) => scale * x)).reshape([...shape]);
const tokens = (vocab: number, positions: number) =>
  numpy
    .array(Int32Array.from({ length: SAMPLES * positions }, (_, at) => (at * at + 3) % vocab))
    .reshape([SAMPLES, positions]);

type Arrays = Readonly<Record<string, JaxArray>>;

/** A model that ends in losses whose gradients differ from entry to entry. */
function modelOf(
  shapes: Readonly<Record<string, readonly number[]>>,
  run: (weights: never, x: JaxArray) => JaxArray,
): Model {
  const weights = Object.entries(shapes).map(([name, shape], seed) => [name, array(seed + 1, shape, 0.5)] as const);
  return {
    jax,
    weights: Object.fromEntries(weights),
    losses(given, { inputs, targets }) {
      const y = run(given as never, inputs);
      const samples = y.shape[0] as number;
      return numpy.square(y.reshape([samples, -1]).sub(targets.reshape([samples, 1]))).sum(1);
    },
  };
}

const mlp = () =>
  modelOf({ w: [5, 4], b: [4], v: [4, 2] }, ({ w, b, v }: Arrays, x) =>
    dense(jax, numpy.tanh(dense(jax, x, w!, b)), v!),
  );

interface Case {
  readonly model: () => Model;
  readonly inputs: () => JaxArray;
  /** How the gradient of a matrix is stored: the other way about than the weight, unless named. */
  readonly asIs?: readonly string[];
}

const input = (shape: readonly number[]) => array(99, [SAMPLES, ...shape]);

const CASES: Readonly<Record<string, Case>> = {
  dense: { model: mlp, inputs: () => input([5]) },
  'dense over a sequence': { model: mlp, inputs: () => input([6, 5]) },
  'a weight used twice': {
    model: () =>
      modelOf({ w: [4, 4], b: [4] }, ({ w, b }: Arrays, x) =>
        dense(jax, numpy.tanh(dense(jax, x, w!.ref, b!.ref)), w!, b),
      ),
    inputs: () => input([3, 4]),
  },
  LoRA: {
    model: () =>
      modelOf(
        { weight: [5, 4], bias: [4], loraA: [5, 2], loraB: [2, 4] },
        ({ weight, bias, loraA, loraB }: Arrays, x) =>
          loraDense(jax, x, { weight: weight!, bias, loraA: loraA!, loraB: loraB!, loraScale: 0.7 }),
      ),
    inputs: () => input([6, 5]),
    asIs: ['loraB'],
  },
  'layer norm': {
    model: () =>
      modelOf({ w: [5, 4], gain: [4], bias: [4] }, ({ w, gain, bias }: Arrays, x) =>
        layerNorm(jax, dense(jax, x, w!), gain!, bias!),
      ),
    inputs: () => input([6, 5]),
  },
  'rms norm': {
    model: () => modelOf({ w: [5, 4], gain: [4] }, ({ w, gain }: Arrays, x) => rmsNorm(jax, dense(jax, x, w!), gain!)),
    inputs: () => input([6, 5]),
  },
  'attention, the query with LoRA': {
    model: () =>
      modelOf(
        { q: [4, 4], loraA: [4, 2], loraB: [2, 4], k: [4, 4], v: [4, 4], o: [4, 4], b: [4] },
        ({ q, loraA, loraB, k, v, o, b }: Arrays, x) =>
          causalSelfAttention(
            jax,
            x,
            {
              query: { weight: q!, loraA: loraA!, loraB: loraB!, loraScale: 0.7 },
              key: { weight: k! },
              value: { weight: v! },
              output: { weight: o!, bias: b! },
            },
            2,
          ),
      ),
    inputs: () => input([6, 4]),
    asIs: ['loraB'],
  },
  'embedding, tied': {
    model: () =>
      modelOf({ table: [7, 4], w: [4, 4] }, ({ table, w }: Arrays, x) =>
        unembedding(jax, numpy.tanh(dense(jax, embedding(jax, x, table!.ref), w!)), table!),
      ),
    inputs: () => tokens(7, 5),
    asIs: ['table'],
  },
};

const targets = () => array(7, [SAMPLES]);

/** Matrices [rows, columns], each the other way about. */
function transposed(matrices: Float32Array, rows: number, columns: number): Float32Array {
  return matrices.map((_, at) => {
    const from = at - (at % (rows * columns));
    const [column, row] = [Math.floor((at - from) / rows), at % rows];
    return matrices[from + row * columns + column] as number;
  });
}

/** The gradients of the samples by jax-js itself, without jit, each in the shape of its weight. */
function plainGradients({ weights, losses }: Model, { inputs, targets }: Batch): Record<string, Float32Array> {
  const gradient = (given: Record<string, JaxArray>, x: JaxArray, y: JaxArray) =>
    jax.grad((own: Record<string, JaxArray>) => {
      return losses(own, { inputs: numpy.expandDims(x, 0), targets: numpy.expandDims(y, 0) }).sum();
    })(given);
  const formed = jax.vmap(gradient, [null, 0, 0])(jax.tree.ref(weights), inputs.ref, targets.ref);
  return Object.fromEntries(Object.entries(formed).map(([name, rows]) => [name, rows.dataSync() as Float32Array]));
}

function expectNear(actual: Float32Array, expected: Float32Array, samples: number): void {
  expect(actual.length).toBe(expected.length);
  const length = expected.length / samples;
  for (let i = 0; i < samples; ++i) {
    const own = expected.subarray(i * length, (i + 1) * length);
    const error = own.map((value, at) => value - (actual[i * length + at] as number));
    expect(norm(error)).toBeLessThanOrEqual(AGREEMENT * norm(own));
  }
}

const refCounts = ({ weights }: Model, { inputs, targets }: Batch) =>
  [...Object.values(weights), inputs, targets].map(({ refCount }) => refCount);

describe('captureGradients, jax-js', () => {
  test.each(Object.entries(CASES))('%s: as the gradients of the samples', (_name, { model, inputs, asIs = [] }) => {
    const made = model();
    const batch = { inputs: inputs(), targets: targets() };
    const plain = plainGradients(made, batch);
    const { samples, layers, losses } = captureGradients(made, batch);
    expect({ samples, losses: losses.length }).toEqual({ samples: SAMPLES, losses: SAMPLES });
    expect(layers.map(({ name }) => name)).toEqual(Object.keys(made.weights));
    for (const layer of layers) {
      const { name, r, d } = layer;
      const matrix = made.weights[name]!.ndim === 2 && !asIs.includes(name);
      const expected = matrix ? transposed(plain[name]!, d, r) : plain[name]!;
      expectNear(factoredRows(layer), expected, SAMPLES);
    }
    expect(refCounts(made, batch).every((count) => count === 1)).toBe(true);
  });

  test('gradientRows forms them for weights however they are used, in the shape of the weight', () => {
    const model = modelOf({ w: [4, 4], taps: [2, 3, 2], b: [4] }, ({ w, taps, b }: Arrays, x) =>
      numpy
        .matmul(dense(jax, x, w!.ref, b), w!)
        .reshape([-1, 4])
        .mul(taps!.sum()),
    );
    const batch = { inputs: input([4]), targets: targets() };
    const plain = plainGradients(model, batch);
    const { layers } = gradientRows(model, batch);
    expect(Object.entries(layers).map(([name, { shape }]) => [name, shape])).toEqual([
      ['w', [SAMPLES, 4, 4]],
      ['taps', [SAMPLES, 2, 6]],
      ['b', [SAMPLES, 4]],
    ]);
    for (const [name, { rows }] of Object.entries(layers)) expectNear(rows as Float32Array, plain[name]!, SAMPLES);
    expect(Object.keys(gradientRows(model, batch, { layers: 'b' }).layers)).toEqual(['b']);
    expect(refCounts(model, batch).every((count) => count === 1)).toBe(true);
  });

  test('chosen weights alone; new weights and other shapes around the same losses', () => {
    const model = mlp();
    const batch = { inputs: input([5]), targets: targets() };
    const all = captureGradients(model, batch);
    const some = captureGradients(model, batch, { exclude: 'w' });
    expect(some.layers.map(({ name }) => name)).toEqual(['b', 'v']);
    const doubled = Object.fromEntries(
      Object.entries(model.weights).map(([name, weight]) => [name, weight.ref.mul(2)] as const),
    );
    expect(captureGradients({ ...model, weights: doubled }, batch).losses).not.toEqual(all.losses);
    const two = { inputs: array(99, [2, 5]), targets: array(7, [2]) };
    expect(captureGradients(model, two).samples).toBe(2);
    releaseModel(model);
    expect(captureGradients(model, batch)).toEqual(all);
  });

  test('gradients of domains, summed, are the gradient of the batch', () => {
    const model = mlp();
    const batch = { inputs: input([6, 5]), targets: targets() };
    const { layers } = captureGradients(model, batch);
    const means = domainGradients(layers, ['a', 'b', 'a']);
    const whole = jax.grad((weights: Record<string, JaxArray>) =>
      model.losses(weights, { inputs: batch.inputs.ref, targets: batch.targets.ref }).sum(),
    )(jax.tree.ref(model.weights)) as Record<string, JaxArray>;
    for (const { name, r, d } of layers) {
      const mean = means.layers[name] as Float32Array;
      const sum = Float32Array.from({ length: r * d }, (_, at) => 2 * mean[at]! + mean[r * d + at]!);
      const gradient = whole[name]!.dataSync() as Float32Array;
      expectNear(sum, r > 1 ? transposed(gradient, d, r) : gradient, 1);
    }
  });

  test('memory stays flat', () => {
    // One array of factors left behind would be two pages of the memory.
    const samples = 300;
    const model = modelOf({ w: [64, 64], b: [64], v: [64, 64] }, ({ w, b, v }: Arrays, x) =>
      dense(jax, numpy.tanh(dense(jax, x, w!, b)), v!),
    );
    const batch = { inputs: array(1, [samples, 64]), targets: array(2, [samples]) };
    captureGradients(model, batch);
    captureGradients(model, batch);
    const before = wasmBytes();
    expect(before).toBeGreaterThan(samples * 64 * 4);
    for (let round = 0; round < 10; ++round) captureGradients(model, batch);
    expect(wasmBytes()).toBe(before);
  });

  describe('what is refused', () => {
    const net = () => modelOf({ w: [5, 4] }, ({ w }: Arrays, x) => dense(jax, x, w!));
    const good = () => ({ inputs: input([5]), targets: targets() });
    const codeOf = (model: Model, batch: Batch, options = {}) =>
      thrownCode(() => captureGradients(model, batch, options));
    const disposed = (made: JaxArray) => {
      made.dispose();
      return made;
    };

    test('a weight that is used past the layers, also beside them; nothing of it stays', () => {
      const raw = modelOf({ w: [5, 4] }, ({ w }: Arrays, x) => numpy.matmul(x, w!));
      expect(() => captureGradients(raw, good())).toThrow(/weight "w" is used outside/);
      const both = modelOf({ w: [4, 4], b: [4] }, ({ w, b }: Arrays, x) => numpy.matmul(dense(jax, x, w!.ref, b), w!));
      const batch = { inputs: input([4]), targets: targets() };
      expect(codeOf(both, batch)).toBe('GRADSIFT_ARGUMENT');
      expect(refCounts(both, batch)).toEqual([1, 1, 1, 1]);
      expect(captureGradients(both, batch, { exclude: 'w' }).layers.map(({ name }) => name)).toEqual(['b']);
      const unused = modelOf({ w: [5, 4], extra: [3] }, ({ w }: Arrays, x) => dense(jax, x, w!));
      expect(() => captureGradients(unused, good())).toThrow(/"extra"/);
    });

    test.each<[string, () => [Model, Batch, object?], string]>([
      ['disposed inputs', () => [net(), { ...good(), inputs: disposed(input([5])) }], 'GRADSIFT_ARGUMENT'],
      ['no targets', () => [net(), { inputs: input([5]) } as unknown as Batch], 'GRADSIFT_ARGUMENT'],
      ['other counts', () => [net(), { ...good(), targets: array(1, [2]) }], 'GRADSIFT_SHAPE'],
      ['a number for inputs', () => [net(), { ...good(), inputs: numpy.array(1) }], 'GRADSIFT_SHAPE'],
      ['float16', () => [net(), { ...good(), inputs: input([5]).astype(numpy.float16) }], 'GRADSIFT_DTYPE'],
      ['a name that no weight has', () => [net(), good(), { layers: 'x' }], 'GRADSIFT_ARGUMENT'],
      [
        'a mean for a loss',
        () => [{ ...net(), losses: (weights, batch) => net().losses(weights, batch).mean() }, good()],
        'GRADSIFT_SHAPE',
      ],
      [
        'a disposed weight',
        () => [{ ...net(), weights: { w: disposed(array(1, [5, 4])) } }, good()],
        'GRADSIFT_ARGUMENT',
      ],
      [
        'weights of float16',
        () => [{ ...net(), weights: { w: array(1, [5, 4]).astype(numpy.float16) } }, good()],
        'GRADSIFT_DTYPE',
      ],
      ['no jax', () => [{ ...net(), jax: undefined as never }, good()], 'GRADSIFT_ARGUMENT'],
    ])('%s', (_what, given, code) => {
      expect(codeOf(...given())).toBe(code);
      if (_what !== 'no jax') expect(codeOf(net(), good())).toBe('none');
    });

    test('another jax-js: what is missing, or what computes something else, is named', () => {
      expect(() => captureGradients({ ...net(), jax: { ...jax, jit: undefined as never } }, good())).toThrow(
        /jax\.jit/,
      );
      const off = { ...jax, numpy: { ...numpy, square: numpy.abs } };
      expect(() => captureGradients({ ...net(), jax: off }, good())).toThrow(/valueAndGrad.*6, 2, 3/);
    });

    test('an index that an embedding does not have', () => {
      const model = modelOf({ table: [7, 4] }, ({ table }: Arrays, x) => embedding(jax, x, table!));
      expect(codeOf(model, { inputs: tokens(9, 5), targets: targets() })).toBe('GRADSIFT_ARGUMENT');
    });
  });
});
