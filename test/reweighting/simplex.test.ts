import { random, seeded } from '../../lib/random.js';
import { exponentiatedGradient, smooth } from '../../lib/reweighting/simplex.js';
import { thrownCode } from '../linalg/matrices.js';
import { divergence, gaussians, largestGap, simplexPoint, sum } from './numbers.js';

const START = [0.4, 0.3, 0.2, 0.1];
const GAINS = [0.3, -1, 2, 0.5];

describe('exponentiated gradient is the mirror step of the Kullback-Leibler divergence', () => {
  const next = exponentiatedGradient(START, GAINS);
  const objective = (w: readonly number[]) => sum(w.map((x, i) => x * GAINS[i]!)) - divergence(w, START);
  const best = Math.log(sum(START.map((w, i) => w * Math.exp(GAINS[i]!))));
  // Sums of four products of numbers below 4, with logarithms.
  const bound = 64 * 2 ** -53;

  test('the optimality condition: log w+ - log w - gain is one number', () => {
    const slack = next.map((w, i) => Math.log(w) - Math.log(START[i]!) - GAINS[i]!);
    expect(
      largestGap(
        slack,
        slack.map(() => slack[0]!),
      ),
    ).toBeLessThanOrEqual(bound);
  });

  test('its value is log sum w exp(gain), and no point of the simplex has more', () => {
    expect(Math.abs(objective(next) - best)).toBeLessThanOrEqual(bound);
    for (let seed = 0; seed < 1000; ++seed) expect(objective(simplexPoint(seed, 4))).toBeLessThanOrEqual(best + bound);
  });

  test('a constant on all gains changes nothing', () => {
    const moved = exponentiatedGradient(
      START,
      GAINS.map((gain) => gain + 5),
    );
    expect(largestGap(moved, next)).toBeLessThanOrEqual(bound);
  });
});

test('gains of any size: no NaN; 0 stays 0; what was positive stays positive', () => {
  for (const size of [1e4, -1e4, 1e300, -1e300]) {
    const next = exponentiatedGradient([0.5, 0.5, 0], [size, 0, 1e4]);
    expect(next[2]).toBe(0);
    expect(next[0]! > 0 && next[1]! > 0).toBe(true);
    expect(Math.abs(sum(next) - 1)).toBeLessThanOrEqual(2 ** -52);
  }
  for (const bad of [NaN, Infinity, -Infinity]) {
    expect(thrownCode(() => exponentiatedGradient([0.5, 0.5], [bad, 0]))).toBe('GRADSIFT_NON_FINITE');
  }
});

test('smoothing with zero gains: w_t - u = (1 - eps)^t (w_0 - u)', () => {
  const eps = 0.01;
  let w: number[] = START;
  for (let t = 0; t < 50; ++t) w = smooth(exponentiatedGradient(w, [0, 0, 0, 0]), eps);
  const expected = START.map((x) => 0.25 + (1 - eps) ** 50 * (x - 0.25));
  expect(largestGap(w, expected)).toBeLessThanOrEqual(50 * 16 * 2 ** -53);
});

describe('regret of the exponential weights (Hedge): losses in [0, 1]', () => {
  const regret = (steps: number, k: number, eta: number, lossesAt: (t: number, w: readonly number[]) => number[]) => {
    let w: number[] = Array<number>(k).fill(1 / k);
    const totals = Array<number>(k).fill(0);
    let own = 0;
    for (let t = 0; t < steps; ++t) {
      const losses = lossesAt(t, w);
      own += sum(losses.map((loss, i) => loss * w[i]!));
      losses.forEach((loss, i) => (totals[i]! += loss));
      w = exponentiatedGradient(
        w,
        losses.map((loss) => -eta * loss),
      );
    }
    return own - Math.min(...totals);
  };

  test.each([
    ['random losses', 2000, 10],
    ['hit the leader', 1000, 2],
  ])('%s', (name, steps, k) => {
    const cursor = random(seeded(3));
    const eta = Math.sqrt((8 * Math.log(k)) / steps);
    const found = regret(steps, k, eta, (_t, w) => {
      if (name === 'random losses') return w.map(() => cursor.uniform());
      const leader = w.indexOf(Math.max(...w));
      return w.map((_, i) => (i === leader ? 1 : 0));
    });
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThanOrEqual(Math.sqrt((steps * Math.log(k)) / 2));
    expect(Math.log(k) / eta + (eta * steps) / 8).toBeLessThanOrEqual(
      Math.sqrt((steps * Math.log(k)) / 2) * (1 + 1e-15),
    );
  });

  test('any comparator u: sum <w_t - u, loss_t> <= KL(u || w_0) / eta + (eta / 2) sum max |loss_t|^2', () => {
    const [steps, k, eta] = [300, 4, 0.1];
    const noise = gaussians(8, steps * k);
    for (const u of [...[0, 1, 2].map((seed) => simplexPoint(seed, k)), [0, 0, 1, 0]]) {
      let w: number[] = START;
      let [difference, squares] = [0, 0];
      for (let t = 0; t < steps; ++t) {
        const losses = noise.slice(t * k, (t + 1) * k);
        difference += sum(losses.map((loss, i) => loss * (w[i]! - u[i]!)));
        squares += Math.max(...losses.map(Math.abs)) ** 2;
        w = exponentiatedGradient(
          w,
          losses.map((loss) => -eta * loss),
        );
      }
      expect(difference).toBeLessThanOrEqual(divergence(u, START) / eta + (eta / 2) * squares);
    }
  });
});
