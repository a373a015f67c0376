import type { KernelConfig } from '@tensorflow/tfjs';
import { accelerate, type AccelerateOptions } from '../../lib/tfjs/accelerate.js';
import { thrownCode } from '../linalg/matrices.js';
import { accelerated, BACKENDS, setBackend, tensor, tf } from './tensorflow.js';

async function rejectedCode(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error as { code?: string }).code ?? 'no code',
  );
}

const registered = (backend: string): Map<string, KernelConfig> =>
  new Map(tf.getKernelsForBackend(backend).map((kernel) => [kernel.kernelName, kernel]));

/** tf with something else in place of one of its members. */
const changed = (part: Record<string, unknown>) => ({ ...tf, ...part }) as typeof tf;

describe.each(BACKENDS)('accelerate, %s', (backend) => {
  beforeAll(() => setBackend(backend));

  test('restore puts back every kernel, more than once too, and it can be accelerated again', async () => {
    const before = registered(backend);
    for (let round = 0; round < 2; ++round) {
      const handle = await accelerate(tf, { backend, threads: 1 });
      expect(handle.kernels).toContain('BatchMatMul');
      for (const name of handle.kernels) expect(registered(backend).get(name)).not.toBe(before.get(name));
      handle.restore();
      handle.restore();
      expect(registered(backend)).toEqual(before);
      for (const [name, kernel] of before) expect(tf.getKernel(name, backend)).toBe(kernel);
    }
  });

  test('tf.train.adam is put back when the last backend is', async () => {
    const applied = () =>
      Object.getOwnPropertyDescriptor(tf.AdamOptimizer.prototype, 'applyGradients')?.value as unknown;
    const before = applied();
    const handle = await accelerate(tf, { backend });
    const second = backend === 'wasm' ? 'cpu' : 'wasm';
    await setBackend(second);
    const other = await accelerate(tf, { backend: second });
    expect(applied()).not.toBe(before);
    handle.restore();
    expect(applied()).not.toBe(before);
    other.restore();
    expect(applied()).toBe(before);
    await setBackend(backend);
  });

  test('twice is an error, and the first stays', async () => {
    await setBackend(backend);
    const handle = await accelerate(tf, { backend });
    const during = registered(backend);
    expect(await rejectedCode(accelerate(tf, { backend }))).toBe('GRADSIFT_ARGUMENT');
    expect(registered(backend)).toEqual(during);
    handle.restore();
  });

  test('of two calls at once one comes first, and restore leaves nothing behind', async () => {
    const before = registered(backend);
    const calls = await Promise.allSettled([accelerate(tf, { backend }), accelerate(tf, { backend })]);
    expect(calls.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    for (const call of calls) {
      if (call.status === 'fulfilled') call.value.restore();
      else expect((call.reason as { code?: string }).code).toBe('GRADSIFT_ARGUMENT');
    }
    expect(registered(backend)).toEqual(before);
  });

  test.each([
    ['another release', changed({ version_core: '4.21.0' }), /4\.22\.0.*4\.21\.0/],
    ['a function that is missing', changed({ registerKernel: undefined }), /tf\.registerKernel/],
    ['no tf at all', undefined as unknown as typeof tf, /tf\.engine/],
    ['a backend that does not start', changed({ setBackend: () => Promise.resolve(false) }), /setBackend/],
    ['a backend that is not registered', changed({ findBackendFactory: () => null }), /registered/],
    ['no products in the backend', changed({ getKernel: () => undefined }), /BatchMatMul/],
    ['a backend without its internals', changed({ engine: () => ({ backend: {} }) }), /backend\.(wasm|data)/],
  ])('%s: says so and changes nothing', async (_, found, message) => {
    const before = registered(backend);
    const attempt = accelerate(found, { backend });
    await expect(attempt).rejects.toThrow(message);
    expect(await rejectedCode(attempt)).toBe('GRADSIFT_ARGUMENT');
    expect(registered(backend)).toEqual(before);
    expect(tf.getBackend()).toBe(backend);
  });

  test.each([
    ['mixed dtypes', () => tf.engine().runKernel('BatchMatMul', { a: tensor(1, [2, 2]), b: tf.ones([2, 2], 'int32') })],
    [
      'sizes that do not fit',
      () => tf.engine().runKernel('BatchMatMul', { a: tensor(1, [2, 3]), b: tensor(1, [2, 3]) }),
    ],
    ['a disposed tensor', () => tf.matMul(disposed(), tensor(1, [2, 2]))],
    ['a disposed bias', () => tf.fused.matMul({ a: tensor(1, [2, 2]), b: tensor(1, [2, 2]), bias: disposed() })],
  ])('%s: an error, not a crash', async (_, call) => {
    const work = () => tf.tidy(() => void call());
    await accelerated(backend, () => expect(work).toThrow());
  });

  test.each<[string, (x: tf.Tensor) => unknown]>([
    ['add', (x) => tf.add(1, x)],
    ['sum', (x) => tf.sum(x)],
    ['softmax', (x) => tf.softmax(x)],
    ['transpose', (x) => tf.transpose(x, [0, 1])],
    ['concat', (x) => tf.concat([tf.ones([2, 2]), x])],
    ['gather', (x) => tf.gather(x, tf.tensor1d([0], 'int32'))],
    ['matMul', (x) => tf.matMul(x, x)],
    ['fused.matMul', (x) => tf.fused.matMul({ a: tf.ones([2, 2]), b: tf.ones([2, 2]), bias: x })],
  ])('a disposed tensor given to %s is named', async (_, call) => {
    await accelerated(backend, () => {
      expect(thrownCode(() => tf.tidy(() => void call(disposed())))).toBe('GRADSIFT_ARGUMENT');
    });
  });
});

function disposed(): tf.Tensor {
  const value = tensor(1, [2, 2]);
  value.dispose();
  return value;
}

test.each([
  ['an unknown backend', { backend: 'webgl' }],
  ['no backend', {}],
  ['no options', undefined as unknown as object],
  ['half a thread', { backend: 'wasm', threads: 0.5 }],
  ['no thread', { backend: 'wasm', threads: 0 }],
])('%s is refused', async (_, options) => {
  expect(await rejectedCode(accelerate(tf, options as AccelerateOptions))).toBe('GRADSIFT_ARGUMENT');
});
