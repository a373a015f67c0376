// What estimates from minibatches and samples are worth (reweighting.md 6.4 and 6.6): closed forms against draws.
import { random, seeded } from '../../lib/random.js';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { alignments } from '../../lib/reweighting/alignments.js';
import { clusterCounts, crisp } from '../../lib/reweighting/crisp.js';
import { dot } from '../linalg/matrices.js';
import { gaussians, simplexPoint, sum, values } from './numbers.js';

/** Six standard errors of a mean: a wrong formula fails, and chance does once in 10^9. */
const SIGMAS = 6;

function meanAndError(draws: readonly number[]): [number, number] {
  const mean = sum(draws) / draws.length;
  const variance = sum(draws.map((x) => (x - mean) ** 2)) / (draws.length - 1);
  return [mean, Math.sqrt(variance / draws.length)];
}

/** A cluster by its share. */
function drawBy(shares: readonly number[], u: number): number {
  let upTo = 0;
  const found = shares.findIndex((share) => u < (upTo += share));
  return found < 0 ? shares.length - 1 : found;
}

describe('the product of a gradient with itself', () => {
  const [d, m, trials] = [5, 4, 4000];
  const g = [1, -2, 0.5, 0, 1];
  const spread = [1, 0.5, 2, 1, 0.2]; // standard deviations of a sample: tr Sigma is the sum of their squares
  const noisy = (seed: number) => {
    const draws = gaussians(seed, m * d);
    return g.map((mean, p) => mean + sum(Array.from({ length: m }, (_, s) => spread[p]! * draws[s * d + p]!)) / m);
  };

  test('from one minibatch is too large by tr Sigma / m; from two it is right', () => {
    const once = Array.from({ length: trials }, (_, t) => noisy(2 * t));
    const [same, sameError] = meanAndError(once.map((x) => dot(x, x)));
    const bias = sum(spread.map((s) => s * s)) / m;
    expect(Math.abs(same - dot(g, g) - bias)).toBeLessThanOrEqual(SIGMAS * sameError);
    expect(bias).toBeGreaterThan(2 * SIGMAS * sameError); // so the test can tell
    const [apart, apartError] = meanAndError(once.map((x, t) => dot(x, noisy(2 * t + 1))));
    expect(Math.abs(apart - dot(g, g))).toBeLessThanOrEqual(SIGMAS * apartError);
  });

  test('alignments has both: the Gram of one batch, or another batch as the target', async () => {
    const [x, y] = [noisy(1), noisy(2)];
    const store = (row: readonly number[]) =>
      openGradients({ layers: { all: { rows: Float64Array.from(row), shape: [1, d] } } });
    const same = await alignments({ gradients: await store(x), rows: ['a'] });
    const apart = await alignments({ gradients: await store(x), rows: ['a'], target: await store(y) });
    const size = 2 * (d + 2) * 2 ** -53;
    expect(Math.abs(same.gram!['a']!['a']! - dot(x, x))).toBeLessThanOrEqual(size * dot(x, x));
    const absolute = sum(x.map((value, p) => Math.abs(value * y[p]!)));
    expect(Math.abs(apart.alignment!['a']! - dot(x, y))).toBeLessThanOrEqual(size * absolute);
  });
});

describe('CRISP', () => {
  const K = 6;
  const [p, q] = [simplexPoint(3, K), simplexPoint(4, K)];
  const named = (x: readonly number[]) => Object.fromEntries(x.map((value, c) => [String(c), value]));
  const mean = Array.from({ length: K }, (_, c) => 1 + c / 3); // of the loss in a cluster
  const deviation = 0.4;
  const { importance, weights } = crisp({ target: named(p), generic: named(q) });
  const cursor = random(seeded(11));
  const loss = (c: number) => mean[c]! + deviation * cursor.normal();
  const draws = 60_000;

  test('weighing losses and drawing clusters have one mean, and the variances of the formulas', () => {
    const expected = sum(p.map((share, c) => share * mean[c]!));
    const second = mean.map((value) => value ** 2 + deviation ** 2);
    const weighed = Array.from({ length: draws }, () => {
      const c = drawBy(q, cursor.uniform());
      return values(importance)[c]! * loss(c);
    });
    const drawn = Array.from({ length: draws }, () => loss(drawBy(values(weights), cursor.uniform())));
    const variances = [
      sum(p.map((share, c) => (share ** 2 / q[c]!) * second[c]!)) - expected ** 2,
      sum(p.map((share, c) => share * second[c]!)) - expected ** 2,
    ];
    for (const [index, sample] of [weighed, drawn].entries()) {
      const variance = variances[index]!;
      const [average] = meanAndError(sample);
      expect(Math.abs(average - expected)).toBeLessThanOrEqual(SIGMAS * Math.sqrt(variance / draws));
      // The variance of a sample variance: (mu_4 - variance^2) / n, mu_4 from the sample itself.
      const squares = sample.map((x) => (x - average) ** 2);
      const [found, error] = meanAndError(squares);
      expect(Math.abs(found - variance)).toBeLessThanOrEqual(SIGMAS * error);
    }
    expect(variances[1]!).toBeLessThan(variances[0]!);
  });

  test('the mean error of a histogram: below sqrt(K / n), near sqrt(2 / (pi n)) sum sqrt(p (1 - p))', () => {
    const [clusters, n, trials] = [64, 2000, 60];
    const shares = simplexPoint(6, clusters);
    const errors = Array.from({ length: trials }, () => {
      const counts = clusterCounts(Uint32Array.from({ length: n }, () => drawBy(shares, cursor.uniform())));
      return sum(shares.map((share, c) => Math.abs(share - (counts[String(c)] ?? 0) / n)));
    });
    const [average, error] = meanAndError(errors);
    expect(average).toBeLessThanOrEqual(Math.sqrt(clusters / n));
    const normal = Math.sqrt(2 / (Math.PI * n)) * sum(shares.map((share) => Math.sqrt(share * (1 - share))));
    // The binomial is not quite normal where n p is small: a few per cent.
    expect(Math.abs(average - normal)).toBeLessThanOrEqual(SIGMAS * error + 0.05 * normal);
  });
});
