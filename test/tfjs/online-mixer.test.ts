import { dga } from '../../lib/reweighting/dga.js';
import { onlineMixer } from '../../lib/tfjs/online-mixer.js';
import { centres, quadratic, sgd } from './quadratic.js';
import { setBackend, tf } from './tensorflow.js';

beforeAll(() => setBackend('cpu'));

const CENTRES = { a: [1, 0, 0], b: [0, 1, 0], c: [0, 0, 1], target: [0.5, 0.3, 0.2] };

test('DGA converges to the planted weights', () => {
  const model = quadratic([0, 0, 0]);
  const run = onlineMixer({
    ...{ model, optimizer: sgd(model, 0.1), rule: dga({ period: 2, stepSize: 0.3 }) },
    sizes: { a: 10, b: 10, c: 10 },
    target: { size: 5 },
    batch: centres(CENTRES),
    batchSize: 60,
    measureSize: 1,
  });
  const before = tf.memory().numTensors;
  for (let i = 0; i < 2000; ++i) run.step();
  expect(tf.memory().numTensors).toBe(before);
  // Drawn at random, 60 a batch: weights follow within a few per cent.
  const weights = run.weights();
  for (const [name, planted] of [
    ['a', 0.5],
    ['b', 0.3],
    ['c', 0.2],
  ] as const) {
    expect(Math.abs((weights[name] as number) - planted)).toBeLessThan(0.05);
  }
});
