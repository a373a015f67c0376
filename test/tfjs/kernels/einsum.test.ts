import { U32 } from '../../linalg/matrices.js';
import { accelerated, BACKENDS, setBackend, tensor, tf } from '../tensorflow.js';

const CASES: readonly (readonly [string, readonly (readonly number[])[]])[] = [
  [
    'ij,jk->ik',
    [
      [3, 4],
      [4, 5],
    ],
  ],
  [
    'ij,jk->ki',
    [
      [3, 4],
      [4, 5],
    ],
  ],
  [
    'bhid,bhjd->bhij',
    [
      [2, 3, 4, 5],
      [2, 3, 6, 5],
    ],
  ],
  [
    'bij,kj->bki',
    [
      [2, 3, 4],
      [5, 4],
    ],
  ],
  [
    'ij,ij->ij',
    [
      [3, 4],
      [3, 4],
    ],
  ],
  [
    'ij,ij->',
    [
      [3, 4],
      [3, 4],
    ],
  ],
  ['i,j->ji', [[3], [4]]],
  [
    'ijk,kjl->il',
    [
      [3, 4, 2],
      [2, 4, 5],
    ],
  ],
  ['ijk->ki', [[3, 4, 2]]],
  ['ij->', [[3, 4]]],
  ['ij->ij', [[3, 4]]],
  ['i,->i', [[3], []]],
];

describe.each(BACKENDS)('%s', (backend) => {
  test.each(CASES)('tf.einsum of %s', async (equation, shapes) => {
    const run = () =>
      tf.tidy(() => {
        const inputs = shapes.map((shape, i) => tensor(i + 1, shape));
        const value = tf.einsum(equation, ...inputs);
        return { shape: value.shape, values: value.dataSync<'float32'>() };
      });
    const ours = await accelerated(backend, () => {
      const before = [tf.memory().numTensors, tf.engine().backend.numDataIds()];
      const found = run();
      expect([tf.memory().numTensors, tf.engine().backend.numDataIds()]).toEqual(before);
      return found;
    });
    await setBackend('cpu'); // wasm has none of its own
    const stock = run();
    expect(ours.shape).toEqual(stock.shape);
    const bound = 2 * 12 * 16 * U32; // sums of at most 12 products of numbers below 4
    for (const [i, value] of ours.values.entries()) {
      expect(Math.abs(value - (stock.values[i] as number))).toBeLessThanOrEqual(bound);
    }
  });

  test('a dimension of its own in each (stock cpu gives another shape)', async () => {
    await accelerated(backend, () => {
      const [x, y] = [tf.ones([3, 4, 2]), tf.range(0, 5)];
      const value = tf.einsum('ijk,l->il', x, y);
      expect(value.arraySync()).toEqual(Array.from({ length: 3 }, () => [0, 8, 16, 24, 32]));
      tf.dispose([x, y, value]);
    });
  });

  test('three tensors, and sizes that differ, are refused', async () => {
    await accelerated(backend, () => {
      const x = tensor(1, [2, 2]);
      expect(() => tf.einsum('ij,jk,kl->il', x, x, x)).toThrow(/more than 2/);
      expect(() => tf.einsum('ij,jk->ik', x, tensor(1, [3, 2]))).toThrow(/Expected dimension/);
      x.dispose();
    });
  });
});
