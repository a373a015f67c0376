import { random, seeded } from '../../lib/random.js';
import { plusPlus } from '../../lib/reweighting/k-means-plus-plus.js';

/** Probability of each ordered choice of `clusters` of the points on a line, one by one by squared distance. */
function law(points: readonly number[], clusters: number): Map<string, number> {
  const found = new Map<string, number>();
  const visit = (chosen: readonly number[], probability: number) => {
    if (chosen.length === clusters) return void found.set(chosen.join(' '), probability);
    const weights = points.map((x) => Math.min(...chosen.map((c) => (x - c) ** 2)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    weights.forEach((weight, i) => weight > 0 && visit([...chosen, points[i]!], (probability * weight) / sum));
  };
  points.forEach((x) => visit([x], 1 / points.length));
  return found;
}

test('several drawn at a time follow the law of one by one', async () => {
  const points = [0, 1, 1.5, 4, 9];
  const x = Float32Array.from(points);
  const draws = 20_000;
  const counts = new Map<string, number>();
  for (let seed = 0; seed < draws; ++seed) {
    const { rows } = await plusPlus(x, 5, 1, 4, random(seeded(seed)), { threads: 1 });
    counts.set([...rows].join(' '), (counts.get([...rows].join(' ')) ?? 0) + 1);
  }
  const expected = law(points, 4);
  expect([...counts.keys()].filter((key) => !expected.has(key))).toEqual([]);
  // Chi-square of independent draws: mean and half variance are the number of choices less one; five deviations.
  const free = expected.size - 1;
  const square = [...expected].reduce(
    (sum, [key, p]) => sum + ((counts.get(key) ?? 0) - draws * p) ** 2 / (draws * p),
    0,
  );
  expect(square).toBeLessThan(free + 5 * Math.sqrt(2 * free));
});

test('no row twice, and as many as there are different ones', async () => {
  const x = Float32Array.from({ length: 400 }, (_, i) => [3, 0, 7, 1, 5][Math.floor(i / 2) % 5]! + (i % 2));
  const { rows, count } = await plusPlus(x, 200, 2, 9, random(seeded(1)), {});
  expect(count).toBe(5);
  expect(new Set(Array.from({ length: 5 }, (_, c) => rows[2 * c])).size).toBe(5);
});

test('many planted clusters: a centroid in each', async () => {
  const cursor = random(seeded(2));
  const clusters = 100;
  const x = Float32Array.from({ length: 20 * clusters * 2 }, (_, i) => {
    const cluster = Math.floor(i / 2) % clusters;
    return 1000 * (i % 2 === 0 ? cluster % 10 : Math.floor(cluster / 10)) + 1e-3 * cursor.normal();
  });
  const { rows, count } = await plusPlus(x, 20 * clusters, 2, clusters, cursor, {});
  expect(count).toBe(clusters);
  const cell = (c: number) => `${Math.round(rows[2 * c]! / 1000)} ${Math.round(rows[2 * c + 1]! / 1000)}`;
  expect(new Set(Array.from({ length: clusters }, (_, c) => cell(c))).size).toBe(clusters);
});
