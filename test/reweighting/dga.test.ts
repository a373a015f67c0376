// Golden vectors from reweighting.md 6.9; the end-to-end oracle is a training problem whose best mixture is known.
import { basisScores, mixBasis } from '../../lib/reweighting/basis.js';
import { dga, type DgaEvidence, type DgaOptions, type DgaState } from '../../lib/reweighting/dga.js';
import { doge } from '../../lib/reweighting/doge.js';
import { dot, thrownCode } from '../linalg/matrices.js';
import {
  alignmentOf,
  divergence,
  expectDigits,
  gaussians,
  gramOf,
  largestGap,
  named,
  NAMES,
  norm,
  simplexPoint,
  sum,
  values,
} from './numbers.js';

const G = [
  [1, 2, 0],
  [0, 1, -1],
  [2, 0, 1],
];
const TARGET = [1, 0, 1];
const DOMAINS = ['a', 'b', 'c'];
const EVIDENCE: DgaEvidence = {
  alignment: alignmentOf(G, TARGET),
  norms: named(G.map(norm)),
  targetNorm: norm(TARGET),
};

const step = (options: DgaOptions, evidence: DgaEvidence) => {
  const rule = dga(options);
  return values(rule.weights(rule.update(rule.init(DOMAINS), evidence)));
};

describe('one step', () => {
  test('plain, and with a moving average', () => {
    expect(values(EVIDENCE.alignment)).toEqual([1, -1, 3]);
    expectDigits(step({ stepSize: 0.1 }, EVIDENCE), [0.328932922289, 0.269307499178, 0.401759578533], 12);
    const averaged = step({ stepSize: 0.1, ema: { beta: 0.1 } }, EVIDENCE);
    expectDigits(averaged, [0.332893292229, 0.326930749918, 0.340175957853], 12);
  });

  test('by cosines, and centred over the largest', () => {
    const ratio = (weights: number[]) => weights.map((w) => Math.log(w / weights[0]!));
    const cosines = [0.316227766017, -0.5, 0.948683298051];
    const found = ratio(step({ scoreNorm: 'cosine' }, EVIDENCE));
    expect(
      largestGap(
        found,
        cosines.map((c) => c - cosines[0]!),
      ),
    ).toBeLessThanOrEqual(1e-12 + 2 ** -48);
    // a - mean = (0, -2, 2), over 2; then clipped to [-0.5, 2].
    const centred = ratio(step({ scoreNorm: 'maxAbs', clip: [-0.5, 2] }, EVIDENCE));
    expect(largestGap(centred, [0, -0.5, 1])).toBeLessThanOrEqual(2 ** -48);
  });

  test('in one dimension: c = (1, -1), target 0.5, theta 0', () => {
    const rule = dga({ stepSize: 0.1 });
    const next = rule.update(rule.init(['a', 'b']), { alignment: alignmentOf([[-1], [1]], [-0.5]) });
    expectDigits([values(rule.weights(next))[0]!], [0.524979187], 9);
  });
});

test('the average apart is drawn from, and does not feed back', () => {
  const [plain, apart] = [dga({ stepSize: 0.1 }), dga({ stepSize: 0.1, ema: { beta: 0.1, feedBack: false } })];
  let [p, q] = [plain.init(DOMAINS), apart.init(DOMAINS)];
  let expected = values(plain.weights(p));
  for (let t = 0; t < 5; ++t) {
    [p, q] = [plain.update(p, EVIDENCE), apart.update(q, EVIDENCE)];
    expected = expected.map((old, i) => 0.9 * old + 0.1 * p.weights[i]!);
    expect(q.raw).toEqual(p.weights);
    expect(largestGap(values(apart.weights(q)), expected)).toBeLessThanOrEqual(5 * 4 * 2 ** -53);
  }
});

test('an average toward a constant p: alpha_t = p + (1 - beta)^t (alpha_0 - p)', () => {
  // Without feedback, raw weights that no longer move are the constant.
  const rule = dga({ ema: { beta: 0.1, feedBack: false } });
  const p = [0.7, 0.2, 0.1];
  let state: DgaState = { ...rule.init(DOMAINS), raw: p };
  for (let t = 0; t < 30; ++t) state = rule.update(state, { alignment: named([0, 0, 0]) });
  const expected = p.map((x) => x + 0.9 ** 30 * (1 / 3 - x));
  expect(largestGap(values(rule.weights(state)), expected)).toBeLessThanOrEqual(30 * 16 * 2 ** -53);
});

describe('quadratic domains l_i = |theta - c_i|^2 / 2 with a target inside their hull', () => {
  const best = [0.5, 0.3, 0.2];
  const centres = [0, 1, 2].map((i) => gaussians(40 + i, 4));
  const at = (weights: readonly number[]) => [0, 1, 2, 3].map((x) => sum(centres.map((c, i) => weights[i]! * c[x]!)));
  const target = at(best);
  const away = (theta: readonly number[], c: readonly number[]) => theta.map((x, i) => x - c[i]!);
  const alignment = (theta: readonly number[], sign = 1) => {
    return named(centres.map((c) => sign * dot(away(theta, c), away(theta, target))));
  };

  test('online: gradient steps on theta, weights every 10 steps, end at the planted weights', () => {
    const rule = dga({ stepSize: 0.2, period: 10 });
    let state = rule.init(DOMAINS);
    let theta = [0, 0, 0, 0];
    for (let t = 0; t < 30_000; ++t) {
      theta = theta.map((x, i) => x - 0.1 * (x - at(state.weights)[i]!));
      if (t % rule.period === 0) state = rule.update(state, { alignment: alignment(theta) });
    }
    // Linear convergence, run until rounding is what is left: condition of the centres times a few roundings.
    expect(largestGap(state.weights, best)).toBeLessThanOrEqual(1e-9);
    expect(largestGap(theta, target)).toBeLessThanOrEqual(1e-9);
  });

  test('with theta at the minimum of the mixture KL(best || alpha) falls at every step', () => {
    const rule = dga({ stepSize: 0.05 });
    let state = rule.init(DOMAINS, named([0.05, 0.15, 0.8]));
    let before = divergence(best, state.weights);
    for (let t = 0; t < 300; ++t) {
      state = rule.update(state, { alignment: alignment(at(state.weights)) });
      const after = divergence(best, state.weights);
      expect(after).toBeLessThan(before);
      before = after;
    }
  });

  test('the wrong sign leaves the optimum and runs to a vertex', () => {
    const rule = dga({ stepSize: 0.2 });
    const near = named([0.501, 0.3, 0.199]);
    let [right, wrong] = [rule.init(DOMAINS, near), rule.init(DOMAINS, near)];
    for (let t = 0; t < 3000; ++t) {
      right = rule.update(right, { alignment: alignment(at(right.weights)) });
      wrong = rule.update(wrong, { alignment: alignment(at(wrong.weights), -1) });
    }
    expect(largestGap(right.weights, best)).toBeLessThanOrEqual(1e-9);
    expect(Math.max(...wrong.weights)).toBeGreaterThan(0.999);
  });

  test('a step of training lowers the target as the alignments say, to the exact second order', () => {
    const [theta, weights, gamma] = [[0.3, -0.2, 0.5, 1], simplexPoint(5, 3), 0.1];
    const loss = (point: readonly number[]) => dot(away(point, target), away(point, target)) / 2;
    const along = [0, 1, 2, 3].map((x) => sum(centres.map((c, i) => weights[i]! * (theta[x]! - c[x]!))));
    const moved = theta.map((x, i) => x - gamma * along[i]!);
    const first = gamma * sum(values(alignment(theta)).map((a, i) => weights[i]! * a));
    const expected = loss(theta) - first + (gamma ** 2 / 2) * dot(along, along);
    expect(Math.abs(loss(moved) - expected)).toBeLessThanOrEqual(64 * 2 ** -53 * loss(theta));
  });

  test('universal DoGE rests at uniform weights, from any interior start', () => {
    const rule = doge({ stepSize: 0.05 });
    let state = rule.init(DOMAINS, named([0.1, 0.6, 0.3]));
    for (let t = 0; t < 4000; ++t) {
      const theta = at(state.weights);
      state = rule.update(state, { gram: gramOf(centres.map((c) => away(theta, c))) });
    }
    expect(largestGap(state.weights, [1 / 3, 1 / 3, 1 / 3])).toBeLessThanOrEqual(1e-9);
  });
});

describe('a target outside the hull, Hessian H: DGA drops the inverse of H', () => {
  const k = 5;
  const centres = Array.from({ length: k }, (_, i) => gaussians(60 + i, 3));
  const target = gaussians(122, 3).map((x) => 1.5 * x);
  const axes = [4, 1, 0.25]; // H = diag(axes)
  const mean = (w: readonly number[]) => [0, 1, 2].map((x) => sum(centres.map((c, i) => w[i]! * c[x]!)));
  const rise = (w: readonly number[]) => mean(w).map((x, i) => x - target[i]!);
  /** Gradient of |mean(w) - target|^2_{H^power} / 2 with respect to w. */
  const gradient = (w: readonly number[], power: number) =>
    centres.map((c) => sum(c.map((x, i) => x * axes[i]! ** power * rise(w)[i]!)));
  const value = (w: readonly number[]) => sum(rise(w).map((x, i) => (axes[i]! * x) ** 2)) / 2;
  /** How far w is from optimal: <gradient, w> - min gradient >= value - minimum, for a convex function. */
  const gap = (w: readonly number[], power: number) => {
    const g = gradient(w, power);
    return sum(g.map((x, i) => x * w[i]!)) - Math.min(...g);
  };
  const alignment = (w: readonly number[]) => {
    const g = centres.map((c) => mean(w).map((x, i) => axes[i]! * (x - c[i]!)));
    return named(
      g.map((own) =>
        dot(
          own,
          rise(w).map((x, i) => axes[i]! * x),
        ),
      ),
    );
  };
  // Smoothness in the 1-norm: max |c_i - c_j|^2_{H^2} / 4.
  const smoothness =
    Math.max(...centres.flatMap((c) => centres.map((d) => sum(c.map((x, i) => (axes[i]! * (x - d[i]!)) ** 2))))) / 4;
  const eta = 1 / smoothness;
  const steps = 20_000;
  const rule = dga({ stepSize: eta });
  const run = (count: number) => {
    let state = rule.init(NAMES.slice(0, k));
    const path = [value(state.weights)];
    for (let t = 0; t < count; ++t) {
      state = rule.update(state, { alignment: alignment(state.weights) });
      path.push(value(state.weights));
    }
    return { weights: state.weights, path };
  };

  test('it ends at the projection in the metric H^2, not in H, at the rate of mirror descent', () => {
    const { weights, path } = run(steps);
    const start = Array<number>(k).fill(1 / k);
    // The comparator of the bound is any weights; those reached serve, as f* is at least f - gap.
    const bound = divergence(weights, start) / (eta * steps);
    expect(gap(weights, 2)).toBeLessThanOrEqual(1e-6);
    expect(gap(weights, 1)).toBeGreaterThan(1e-2);
    const rounding = 64 * 2 ** -53 * path[0]!;
    path.slice(1).forEach((f, t) => expect(f).toBeLessThanOrEqual(path[t]! + rounding));
    for (const t of [1, 10, 100, 1000]) {
      expect(path[t]! - path[steps]!).toBeLessThanOrEqual((bound * steps) / t + rounding);
    }
  });
});

test('the exponential mixing law of two domains: its optimum in closed form', () => {
  // f(w) = a_1 exp(-s_1 w_1) + a_2 exp(-s_2 w_2); at the optimum a_i s_i exp(-s_i w_i) are equal.
  const [a, s] = [
    [2, 1],
    [1.5, 2.5],
  ] as const;
  const best = (s[1] + Math.log((a[0] * s[0]) / (a[1] * s[1]))) / (s[0] + s[1]);
  expect(best > 0.1 && best < 0.9).toBe(true);
  const rule = dga({ stepSize: 0.2 });
  let state = rule.init(['a', 'b']);
  for (let t = 0; t < 400; ++t) {
    state = rule.update(state, {
      alignment: named(s.map((rate, i) => a[i]! * rate * Math.exp(-rate * state.weights[i]!))),
    });
  }
  expect(largestGap(state.weights, [best, 1 - best])).toBeLessThanOrEqual(64 * 2 ** -53);
});

describe('basis distributions', () => {
  const basis = { news: { c1: 0.5, c2: 0.5 }, science: { c2: 0.25, c3: 0.75 } };

  test('weights of the clusters are on the simplex; scores of the basis are their gradient', () => {
    const weights = { news: 0.4, science: 0.6 };
    const mixed = mixBasis(basis, weights);
    expect(Object.keys(mixed)).toEqual(['c1', 'c2', 'c3']);
    expect(largestGap(values(mixed), [0.2, 0.35, 0.45])).toBeLessThanOrEqual(2 ** -53);
    const scores = { c1: 3, c2: -1, c3: 2 };
    expect(basisScores(basis, scores)).toEqual({ news: 1, science: 1.25 });
    const linear = (w: number) => {
      const alpha = mixBasis(basis, { news: w, science: 1 - w });
      return sum(values(alpha).map((x, i) => x * values(scores)[i]!));
    };
    // d/dw <a, P' (w, 1 - w)> = (P a)_news - (P a)_science; linear, so a difference is exact up to rounding.
    expect(Math.abs(linear(0.75) - linear(0.25) - 0.5 * (1 - 1.25))).toBeLessThanOrEqual(16 * 2 ** -53);
  });

  test('the identity reproduces DGA bit for bit', () => {
    const identity = Object.fromEntries(DOMAINS.map((name) => [name, { [name]: 1 }]));
    const rule = dga({ stepSize: 0.1 });
    let [plain, mixed] = [rule.init(DOMAINS), rule.init(Object.keys(identity))];
    for (let t = 0; t < 5; ++t) {
      plain = rule.update(plain, { alignment: EVIDENCE.alignment });
      mixed = rule.update(mixed, { alignment: basisScores(identity, EVIDENCE.alignment) });
      expect(mixBasis(identity, rule.weights(mixed))).toEqual(rule.weights(plain));
    }
  });

  test('mistakes', () => {
    const code = (call: () => unknown) => thrownCode(call);
    expect(code(() => mixBasis({}, {}))).toBe('GRADSIFT_ARGUMENT');
    expect(code(() => mixBasis({ news: {} }, { news: 1 }))).toBe('GRADSIFT_ARGUMENT');
    expect(code(() => mixBasis({ news: { c1: 0.5 } }, { news: 1 }))).toBe('GRADSIFT_ARGUMENT');
    expect(code(() => mixBasis(basis, { news: 1 }))).toBe('GRADSIFT_ARGUMENT');
    expect(code(() => basisScores(basis, { c1: 1, c2: 1 }))).toBe('GRADSIFT_ARGUMENT');
    expect(code(() => basisScores(basis, { c1: 1, c2: 1, c3: NaN }))).toBe('GRADSIFT_ARGUMENT');
  });
});

describe('mistakes', () => {
  test.each([
    { target: 3 },
    { period: 0 },
    { stepSize: 0 },
    { stepSize: -0.1 },
    { ema: { beta: 0 } },
    { ema: { beta: 1.1 } },
    { ema: { beta: 0.1, feedBack: 'no' } },
    { scoreNorm: 'l2' },
    { clip: [2, 1] },
    { absent: null },
    { smoothing: -0.1 },
  ])('option %j', (options) => {
    expect(thrownCode(() => dga(options as DgaOptions))).toBe('GRADSIFT_ARGUMENT');
  });

  test('a target that is a domain; norms that are missing', () => {
    expect(thrownCode(() => dga({ target: 'b' }).init(DOMAINS))).toBe('GRADSIFT_ARGUMENT');
    const { norms: _norms, ...without } = EVIDENCE;
    expect(thrownCode(() => step({ scoreNorm: 'cosine' }, without))).toBe('GRADSIFT_ARGUMENT');
  });
});
