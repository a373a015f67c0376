// Domains of linear regression with covariances of their own, whose mixture has a closed form (reweighting.md 6.3):
//
//     l_i(theta) = (theta - w_i)' S_i (theta - w_i) / 2
//     theta*(alpha) = (sum_i alpha_i S_i)^-1 sum_i alpha_i S_i w_i
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { alignments } from '../../lib/reweighting/alignments.js';
import { dga } from '../../lib/reweighting/dga.js';
import { leastSquares } from '../../lib/reweighting/least-squares.js';
import { dot, U64 } from '../linalg/matrices.js';
import { gaussians, largestGap, NAMES, norm, simplexPoint, sum, values } from './numbers.js';

const [k, P] = [4, 6];
const names = NAMES.slice(0, k);
const axes = Array.from({ length: P }, (_, p) => p);

type Matrix = readonly (readonly number[])[];
const times = (a: Matrix, x: readonly number[]) => a.map((row) => dot(row, x));
const minus = (x: readonly number[], y: readonly number[]) => x.map((value, p) => value - y[p]!);
const combine = (weights: readonly number[], vectors: Matrix) =>
  vectors[0]!.map((_, p) => sum(vectors.map((v, i) => weights[i]! * v[p]!)));

/** X' X / 9 of nine normal rows: full rank. */
function covariance(seed: number): Matrix {
  const x = Array.from({ length: 9 }, (_, row) => gaussians(100 * seed + row, P));
  return axes.map((i) => axes.map((j) => sum(x.map((row) => row[i]! * row[j]!)) / 9));
}
const covariances = names.map((_, i) => covariance(i + 1));
const teachers = names.map((_, i) => gaussians(50 + i, P));
const target = { covariance: covariance(9), teacher: gaussians(60, P) };

const gradient = (i: number, theta: readonly number[], s = covariances) => times(s[i]!, minus(theta, teachers[i]!));
const gradients = (theta: readonly number[], s = covariances) => names.map((_, i) => gradient(i, theta, s));
const targetGradient = (theta: readonly number[]) => times(target.covariance, minus(theta, target.teacher));
const targetLoss = (theta: readonly number[]) => dot(minus(theta, target.teacher), targetGradient(theta)) / 2;

function minimum(weights: readonly number[], s = covariances): number[] {
  const mixed = axes.map((row) =>
    combine(
      weights,
      s.map((matrix) => matrix[row]!),
    ),
  );
  return leastSquares(
    mixed,
    combine(
      weights,
      s.map((matrix, i) => times(matrix, teachers[i]!)),
    ),
  )!;
}

/** Of a solution: rounding, times the condition of nine rows in six columns (below 10^3 here), times a few. */
const SOLVED = 1e4 * U64;

test('at the minimum of a mixture its gradient is zero, though no domain is', () => {
  for (const seed of [1, 2, 3]) {
    const weights = simplexPoint(seed, k);
    const each = gradients(minimum(weights));
    expect(norm(combine(weights, each))).toBeLessThanOrEqual(SOLVED * Math.max(...each.map(norm)));
    expect(Math.min(...each.map(norm))).toBeGreaterThan(0.1);
  }
});

test('with one covariance for all, the minimum is the mean of the teachers', () => {
  const shared = names.map(() => covariances[0]!);
  const weights = simplexPoint(4, k);
  expect(largestGap(minimum(weights, shared), combine(weights, teachers))).toBeLessThanOrEqual(SOLVED);
});

test('a step lowers the target as the alignments say to first order, and exactly with the second', async () => {
  const theta = gaussians(70, P);
  const weights = simplexPoint(5, k);
  const [each, h] = [gradients(theta), targetGradient(theta)];
  const store = (rows: Matrix) =>
    openGradients({ layers: { theta: { rows: Float64Array.from(rows.flat()), shape: [rows.length, P] } } });
  const { alignment } = await alignments({ gradients: await store(each), rows: names, target: await store([h]) });
  const first = sum(values(alignment!).map((a, i) => weights[i]! * a));
  const along = combine(weights, each);
  const curvature = dot(along, times(target.covariance, along)) / 2;
  for (const gamma of [0.5, 0.1, 1e-3]) {
    const after = targetLoss(theta.map((value, p) => value - gamma * along[p]!));
    const size = targetLoss(theta) + gamma * Math.abs(first) + gamma ** 2 * curvature;
    expect(Math.abs(after - (targetLoss(theta) - gamma * first + gamma ** 2 * curvature))).toBeLessThanOrEqual(
      200 * U64 * size, // three quadratic forms of 36 terms
    );
    // And so to first order the error is gamma^2 times a constant.
    expect(Math.abs(after - targetLoss(theta) + gamma * first)).toBeLessThanOrEqual(1.001 * gamma ** 2 * curvature);
  }
});

test('DGA with one covariance ends at planted weights', () => {
  const shared = names.map(() => covariances[0]!);
  const best = [0.4, 0.3, 0.2, 0.1];
  const planted = combine(best, teachers);
  const rule = dga({ stepSize: 0.02 });
  let state = rule.init(names);
  for (let t = 0; t < 8000; ++t) {
    const theta = combine(state.weights, teachers);
    const h = times(covariances[0]!, minus(theta, planted));
    const alignment = Object.fromEntries(gradients(theta, shared).map((g, i) => [names[i]!, dot(g, h)]));
    state = rule.update(state, { alignment });
  }
  expect(largestGap(state.weights, best)).toBeLessThanOrEqual(1e-9);
});
