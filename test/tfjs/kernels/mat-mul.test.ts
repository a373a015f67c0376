import { worstShare } from '../../linalg/isas.js';
import { U32 } from '../../linalg/matrices.js';
import { accelerated, BACKENDS, tensor, tf } from '../tensorflow.js';

interface Case {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

const CASES: readonly Case[] = [
  { a: [7, 5], b: [5, 3] },
  { a: [5, 7], b: [5, 3], transposeA: true },
  { a: [7, 5], b: [3, 5], transposeB: true },
  { a: [5, 7], b: [3, 5], transposeA: true, transposeB: true },
  { a: [4, 3, 9], b: [4, 9, 2] },
  { a: [2, 3, 5, 6], b: [2, 3, 7, 6], transposeB: true },
  { a: [4, 3, 9], b: [9, 2] },
  { a: [3, 9], b: [2, 9, 2] },
  { a: [2, 1, 3, 4], b: [5, 4, 6] },
  { a: [1, 3, 4, 3], b: [2, 1, 4, 5], transposeA: true },
  { a: [65, 130], b: [130, 67] },
  { a: [0, 5], b: [5, 3] },
];

/** The product and the sums of absolute products behind it, in float64, by tf's own definition of broadcasting. */
function oracle({ a, b, transposeA = false, transposeB = false }: Case, x: ArrayLike<number>, y: ArrayLike<number>) {
  const flip = (shape: readonly number[], transpose: boolean) => {
    const [rows = 1, columns = 1] = shape.slice(-2);
    return transpose
      ? { rows: columns, columns: rows, row: 1, column: columns }
      : { rows, columns, row: columns, column: 1 };
  };
  const [left, right] = [flip(a, transposeA), flip(b, transposeB)];
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
  const [exact, size]: [number[], number[]] = [[], []];
  const batch = outer.reduce((product, length) => product * length, 1);
  for (let item = 0; item < batch; ++item) {
    const place = (own: readonly number[]) => {
      let [rest, at, stride] = [item, 0, 1];
      for (let axis = outer.length - 1; axis >= 0; --axis) {
        const length = outer[axis] as number;
        const mine = own[axis - outer.length + own.length] ?? 1;
        at += mine === 1 ? 0 : (rest % length) * stride;
        stride *= mine;
        rest = Math.floor(rest / length);
      }
      return at;
    };
    const fromA = place(a.slice(0, -2)) * left.rows * left.columns;
    const fromB = place(b.slice(0, -2)) * right.rows * right.columns;
    for (let i = 0; i < left.rows; ++i) {
      for (let j = 0; j < right.columns; ++j) {
        let [sum, absolute] = [0, 0];
        for (let p = 0; p < left.columns; ++p) {
          const term =
            (x[fromA + i * left.row + p * left.column] as number) *
            (y[fromB + p * right.row + j * right.column] as number);
          sum += term;
          absolute += Math.abs(term);
        }
        exact.push(sum);
        size.push(absolute);
      }
    }
  }
  return { exact, size, shape: [...outer, left.rows, right.columns], depth: left.columns };
}

describe.each(BACKENDS)('%s', (backend) => {
  test.each(CASES)('tf.matMul of $a and $b', async (given) => {
    await accelerated(backend, () => {
      const [a, b] = [tensor(1, given.a), tensor(2, given.b)];
      const c = tf.matMul(a, b, given.transposeA, given.transposeB);
      const { exact, size, shape, depth } = oracle(given, a.dataSync(), b.dataSync());
      expect(c.shape).toEqual(shape);
      expect(worstShare(c.dataSync(), exact, size, depth, U32)).toBeLessThanOrEqual(1);
      tf.dispose([a, b, c]);
    });
  });

  test('integers are multiplied as they are without us', async () => {
    await accelerated(backend, () => {
      const multiply = () => tf.tidy(() => tf.matMul(tf.ones([2, 2], 'int32'), tf.ones([2, 2], 'int32')).arraySync());
      if (backend === 'wasm') expect(multiply).toThrow(/BatchMatMul/);
      else expect(multiply()).toEqual([[2, 2], [2, 2]]); // prettier-ignore
    });
  });

  test.each(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const)(
    'tf.fused.matMul with a bias and %s',
    async (activation) => {
      const fuse = () =>
        tf.tidy(() => {
          const options = { a: tensor(1, [9, 31]), b: tensor(2, [31, 6]), bias: tensor(3, [6]), leakyreluAlpha: 0.1 };
          const weights = activation === 'prelu' ? { preluActivationWeights: tensor(4, [6]) } : {};
          return tf.fused.matMul({ ...options, activation, ...weights }).dataSync();
        });
      const ours = await accelerated(backend, fuse);
      const stock = fuse();
      // Both round 31 products and sums of normal numbers (below 4 here) and a bias; slopes of the activations are at
      // most 4 (prelu's weights), and an exponential is a few roundings.
      const bound = 2 * (31 * 32 * 16 * 4 + 8) * U32;
      for (const [i, value] of ours.entries()) expect(Math.abs(value - (stock[i] as number))).toBeLessThan(bound);
    },
  );

  test('products leave no tensors behind', async () => {
    await accelerated(backend, () => {
      const before = [tf.memory().numTensors, tf.engine().backend.numDataIds()];
      const [a, b] = [tensor(1, [4, 4]), tensor(2, [4, 4])];
      for (let i = 0; i < 5; ++i) tf.fused.matMul({ a, b, bias: a, activation: 'relu' }).dispose();
      tf.dispose([a, b]);
      expect([tf.memory().numTensors, tf.engine().backend.numDataIds()]).toEqual(before);
    });
  });

  test('the gradient of an embedding', async () => {
    const indices = [3, 0, 3, 5, 3];
    const gradient = () =>
      tf.tidy(() => {
        const table = tensor(1, [6, 4]);
        const ids = tf.tensor1d(indices, 'int32');
        const weights = tensor(2, [5, 4]);
        return tf
          .grad((x) => tf.gather(x, ids).mul(weights).sum())(table)
          .dataSync();
      });
    const rows = tensor(2, [5, 4]).dataSync();
    const exact = new Float32Array(24);
    for (const [i, id] of indices.entries()) {
      for (let j = 0; j < 4; ++j) exact[id * 4 + j] = (exact[id * 4 + j] as number) + (rows[i * 4 + j] as number);
    }
    expect(await accelerated(backend, gradient)).toEqual(exact);
  });
});
