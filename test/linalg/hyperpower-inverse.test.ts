import { hyperpowerInverse, hyperpowerInverseAsync } from '../../lib/linalg/hyperpower-inverse.js';
import { matmul } from '../../lib/linalg/matmul.js';
import {
  diagonal,
  difference,
  fisher,
  identity,
  largest,
  logSpaced,
  norm,
  secondDifferences,
  secondDifferencesInverse,
  thrownCode,
  U32,
  U64,
  withSpectrum,
} from './matrices.js';

const SCALED = { method: 'scaled' as const };
const CUBIC = { method: 'scaled' as const, order: 3 as const };
const TEXTBOOK = { method: 'textbook' as const };

/** ||I - (A + damping I) X||_F / sqrt(n) by plain loops. */
function inverseResidual(a: ArrayLike<number>, x: ArrayLike<number>, n: number, damping = 0): number {
  let squares = 0;
  for (let i = 0; i < n; ++i) {
    for (let j = 0; j < n; ++j) {
      let sum = (i === j ? 1 : 0) - damping * (x[i * n + j] as number);
      for (let k = 0; k < n; ++k) sum -= (a[i * n + k] as number) * (x[k * n + j] as number);
      squares += sum * sum;
    }
  }
  return Math.sqrt(squares / n);
}

describe.each([SCALED, CUBIC, TEXTBOOK])('hyperpowerInverse, %j', (method) => {
  test.each([1, 2, 3, 31, 40, 41, 64, 97])('tridiagonal with a known inverse, n = %i', (n) => {
    const a = secondDifferences(n);
    const { inverse, status, residual } = hyperpowerInverse(a, { n, ...method });
    expect(status).toBe('ok');
    expect(residual).toBeLessThanOrEqual(1e-10);
    // ||X - A^-1||_F <= ||A^-1||_2 ||I - A X||_F, beside n roundings of the reference.
    const muMin = 2 - 2 * Math.cos(Math.PI / (n + 1));
    const exact = secondDifferencesInverse(n);
    const bound = (residual * Math.sqrt(n)) / muMin + 4 * U64 * norm(exact);
    expect(norm(difference(inverse, exact))).toBeLessThanOrEqual(bound);
  });

  test("lambda I + u u' (Sherman-Morrison)", () => {
    const [n, lambda] = [30, 0.3];
    const u = Float64Array.from({ length: n }, (_, i) => Math.sin(i + 1));
    const a = Float64Array.from({ length: n * n }, (_, at) => u[Math.floor(at / n)]! * u[at % n]!);
    const { inverse, residual } = hyperpowerInverse(a, { n, damping: lambda, ...method });
    const uu = u.reduce((sum, x) => sum + x * x, 0);
    const exact = a.map((x, at) => ((at % (n + 1) === 0 ? 1 : 0) - x / (lambda + uu)) / lambda);
    const bound = (residual * Math.sqrt(n)) / lambda + (8 * U64 * norm(exact) * (lambda + uu)) / lambda;
    expect(norm(difference(inverse, exact))).toBeLessThanOrEqual(bound);
  });

  test('[[4, 1, 0], [1, 4, 1], [0, 1, 4]]', () => {
    const { inverse } = hyperpowerInverse(Float64Array.of(4, 1, 0, 1, 4, 1, 0, 1, 4), { n: 3, ...method });
    const exact = Float64Array.of(15, -4, 1, -4, 16, -4, 1, -4, 15).map((x) => x / 56);
    expect(largest(difference(inverse, exact))).toBeLessThanOrEqual(1e-10);
  });

  test('the residual is the one that plain loops find, on the damped matrix', () => {
    const n = 50;
    const { g } = fisher(n, 20);
    const { inverse, residual } = hyperpowerInverse(g, { n, damping: 0.1, ...method });
    const scale = (norm(g) + 0.1) * norm(inverse);
    const bound = 2 * (n + 2) * U64 * scale;
    expect(Math.abs(inverseResidual(g, inverse, n, 0.1) - residual)).toBeLessThanOrEqual(bound);
  });

  test.each([1e2, 1e3, 1e4])('float32, kappa %p: error of X at most kappa 2^-23 (O20)', (kappa) => {
    const n = 96;
    const a = Float32Array.from(withSpectrum(logSpaced(n, kappa)));
    const exact = hyperpowerInverse(Float64Array.from(a), { n, tolerance: 1e-13 }).inverse;
    const { inverse } = hyperpowerInverse(a, { n, ...method });
    expect(norm(difference(inverse, exact)) / norm(exact)).toBeLessThanOrEqual(kappa * 2 * U32);
  });

  test('a batch, threads, the pool: the same bits; a is not written to', async () => {
    const n = 30;
    const a = new Float64Array(3 * n * n);
    [10, 100, 1000].forEach((kappa, i) => a.set(withSpectrum(logSpaced(n, kappa), i), i * n * n));
    const before = a.slice();
    const all = hyperpowerInverse(a, { n, batch: 3, ...method, threads: 1 });
    expect(a).toEqual(before);
    expect(hyperpowerInverse(a, { n, batch: 3, ...method, threads: 3 })).toEqual(all);
    expect(await hyperpowerInverseAsync(a, { n, batch: 3, ...method })).toEqual(all);
    for (let i = 0; i < 3; ++i) {
      const one = hyperpowerInverse(a.slice(i * n * n, (i + 1) * n * n), { n, ...method });
      expect(all.inverse.slice(i * n * n, (i + 1) * n * n)).toEqual(one.inverse);
      expect(all.certificates[i]).toEqual(one.certificates[0]);
    }
    const large = fisher(200, 50).g;
    const one = hyperpowerInverse(large, { n: 200, damping: 0.05, ...method, threads: 1 });
    expect(hyperpowerInverse(large, { n: 200, damping: 0.05, ...method, threads: 4 })).toEqual(one);
  });

  test.each([
    ['NaN', NaN, 'nonFinite'],
    ['Infinity', Infinity, 'nonFinite'],
  ])('%s in a', (_, bad, expected) => {
    const a = secondDifferences(8);
    a[9] = bad;
    const { status, inverse } = hyperpowerInverse(a, { n: 8, ...method });
    expect(status).toBe(expected);
    expect(inverse).toEqual(new Float64Array(64));
  });

  test.each([
    ['indefinite', withSpectrum([...logSpaced(29, 10), -0.5])],
    ['negative definite', secondDifferences(30).map((x) => -x)],
    ['zero', new Float64Array(900)],
    ['rank deficient', fisher(30, 10).g],
  ])('%s: an outcome, without NaN', (_, a) => {
    const { status, inverse, residual } = hyperpowerInverse(a, { n: 30, ...method });
    expect(status).not.toBe('ok');
    expect(inverse.every(Number.isFinite)).toBe(true);
    expect(residual).toBeGreaterThan(1e-3);
  });

  test.each([
    ['n', 0],
    ['n', '3'],
    ['n', NaN],
    ['batch', null],
    ['damping', -1],
    ['tolerance', NaN],
    ['method', 'newton'],
    ['method', ''],
  ])('refuses %s = %p', (name, value) => {
    const options = { n: 3, ...method, [name]: value } as unknown as { n: number };
    expect(thrownCode(() => hyperpowerInverse(secondDifferences(3), options))).toBe('GRADSIFT_ARGUMENT');
  });
});

describe('textbook', () => {
  const mu = Float64Array.of(0.01, 0.2, 1, 1.7, 3);

  test.each([0, 1, 2, 5, 9])('%i steps on diag(mu): (1 - (1 - alpha mu)^(2^k)) / mu (O3)', (steps) => {
    const alpha = 0.31;
    const n = mu.length;
    const { inverse, steps: ran } = hyperpowerInverse(diagonal(mu), { n, ...TEXTBOOK, alpha, steps });
    expect(ran).toBe(steps);
    mu.forEach((m, i) => {
      const exact = (1 - (1 - alpha * m) ** (2 ** steps)) / m;
      // Each step rounds three times; an error of the residual r doubles while r is near 1: 1 / (alpha mu) in all.
      const bound = (6 * (steps + 1) * U64) / (alpha * m) / m;
      expect(Math.abs((inverse[i * (n + 1)] as number) - exact)).toBeLessThanOrEqual(bound);
    });
  });

  test('I - A X_{k+1} = (I - A X_k)^2 (O3)', () => {
    const n = 40;
    const a = withSpectrum(logSpaced(n, 50));
    const residual = (steps: number) => {
      const { inverse } = hyperpowerInverse(a, { n, ...TEXTBOOK, alpha: 0.9, steps });
      return matmul(a, inverse, { m: n, n, k: n, alpha: -1, beta: 1, out: identity(n) });
    };
    for (const steps of [0, 1, 3]) {
      const [r, next] = [residual(steps), residual(steps + 1)];
      const square = matmul(r, r, { m: n, n, k: n });
      // Two products of depth n on each side, of matrices with norms up to kappa.
      expect(norm(difference(next, square))).toBeLessThanOrEqual(8 * n * U64 * 50 * Math.sqrt(n));
    }
  });

  test('alpha = 1 / mu is exact at X_0; alpha mu = 2 gives 0 from X_1 on (O3)', () => {
    const exact = hyperpowerInverse(Float64Array.of(4), { n: 1, ...TEXTBOOK, alpha: 0.25, steps: 0 });
    expect([exact.inverse[0], exact.residual, exact.status]).toEqual([0.25, 0, 'ok']);
    for (const steps of [1, 2, 7]) {
      const dead = hyperpowerInverse(Float64Array.of(4), { n: 1, ...TEXTBOOK, alpha: 0.5, steps });
      expect([dead.inverse[0], dead.status]).toEqual([0, 'stepLimit']);
    }
  });

  test.each([1, 3, 30])('alpha mu > 2 is diverged, after %i steps too (O3)', (steps) => {
    const { status, inverse } = hyperpowerInverse(diagonal(mu), { n: 5, ...TEXTBOOK, alpha: 2.5 / 3, steps });
    expect(status).toBe('diverged');
    expect(inverse.every(Number.isFinite)).toBe(true);
  });

  test.each([1, 2, 3, 6])('%i steps = alpha times the Neumann sum of 2^k terms (O4)', (steps) => {
    const [n, alpha] = [20, 0.4];
    const a = withSpectrum(logSpaced(n, 30));
    const { inverse } = hyperpowerInverse(a, { n, ...TEXTBOOK, alpha, steps });
    // LiSSA: r <- I + (I - alpha A) r, 2^k - 1 times from r = I.
    let sum = identity(n);
    for (let i = 1; i < 2 ** steps; ++i) {
      const next = matmul(a, sum, { m: n, n, k: n, alpha: -alpha, beta: 1, out: sum.slice() });
      sum = next.map((x, at) => x + (at % (n + 1) === 0 ? 1 : 0));
    }
    const lissa = sum.map((x) => alpha * x);
    // 2^k recursions of depth n, each of size at most the result.
    expect(norm(difference(inverse, lissa))).toBeLessThanOrEqual(2 ** steps * 2 * n * U64 * norm(lissa));
  });

  test('the default start converges: alpha = 1 / ||A||_F', () => {
    const n = 60;
    const { status, steps, residual } = hyperpowerInverse(withSpectrum(logSpaced(n, 1e3)), { n, ...TEXTBOOK });
    expect([status, residual <= 1e-10]).toEqual(['ok', true]);
    // log2(kappa ||A||_F / mu_max ln(1/eps)) with ||A||_F <= sqrt(n) mu_max.
    expect(steps).toBeLessThanOrEqual(Math.ceil(Math.log2(1e3 * Math.sqrt(n) * Math.log(2e10))) + 1);
  });

  test('too few steps are said to be: stepLimit with the residual', () => {
    const { g } = fisher(40, 10);
    const { status, residual, steps } = hyperpowerInverse(g, {
      n: 40,
      damping: 0.01,
      ...TEXTBOOK,
      alpha: 5e-5,
      steps: 15,
    });
    expect([status, steps]).toEqual(['stepLimit', 15]);
    expect(residual).toBeGreaterThan(0.5);
  });

  test('refuses what belongs to the other method', () => {
    const a = secondDifferences(3);
    for (const options of [
      { ...TEXTBOOK, lambdaMin: 1 },
      { ...SCALED, alpha: 1 },
      { ...SCALED, steps: 3 },
      { ...TEXTBOOK, order: 3 as const },
    ]) {
      expect(thrownCode(() => hyperpowerInverse(a, { n: 3, ...options }))).toBe('GRADSIFT_ARGUMENT');
    }
    for (const alpha of [0, -1, NaN, Infinity, '1' as unknown as number]) {
      expect(thrownCode(() => hyperpowerInverse(a, { n: 3, ...TEXTBOOK, alpha }))).toBe('GRADSIFT_ARGUMENT');
    }
  });
});

describe('scaled', () => {
  test.each([2, 3] as const)('order %i on diag(mu): (1 - r_K(mu)) / mu, r_K the Chebyshev polynomial', (order) => {
    const [a, b] = [0.05, 1.1];
    const mu = Float64Array.of(0.05, 0.06, 0.3, 0.71, 1, 1.1);
    const n = mu.length;
    const tolerance = 1e-3; // few steps, so that the polynomial still shows
    const { inverse, steps, refinements } = hyperpowerInverse(diagonal(mu), {
      ...{ n, order, lambdaMin: a, lambdaMax: b, tolerance },
    });
    expect(refinements).toBe(0);
    const chebyshev = (x: number) =>
      Math.abs(x) <= 1 ? Math.cos(order ** steps * Math.acos(x)) : Math.cosh(order ** steps * Math.acosh(x));
    mu.forEach((m, i) => {
      const r = chebyshev((b + a - 2 * m) / (b - a)) / chebyshev((b + a) / (b - a));
      // The cosine of p^K acos x loses p^K roundings; the recursion amplifies its own by up to kappa.
      const bound = ((order ** steps + (8 * b) / a) * 4 * U64) / m;
      expect(Math.abs((inverse[i * (n + 1)] as number) - (1 - r) / m)).toBeLessThanOrEqual(bound);
    });
  });

  test('about half the steps of the textbook, and two triangular products instead of two full ones', () => {
    const n = 80;
    const { g } = fisher(n, 40);
    const scaled = hyperpowerInverse(g, { n, damping: 0.01, tolerance: 1e-6 });
    const textbook = hyperpowerInverse(g, { n, damping: 0.01, tolerance: 1e-6, ...TEXTBOOK });
    expect(scaled.steps).toBeLessThanOrEqual(0.6 * textbook.steps);
    expect(scaled.flops).toBeLessThan(0.4 * textbook.flops);
  });

  test('order 3: fewer steps to the same residual, at no more work', () => {
    const n = 80;
    const a = withSpectrum(logSpaced(n, 1e4));
    const bounds = { n, lambdaMin: 1e-4, lambdaMax: 1.05, tolerance: 1e-8 };
    const [two, three] = [hyperpowerInverse(a, bounds), hyperpowerInverse(a, { ...bounds, order: 3 })];
    expect([two.status, three.status]).toEqual(['ok', 'ok']);
    // log 2 / log 3 of the steps, and one for rounding up; order 3 multiplies at the first step too.
    expect(three.steps).toBeLessThanOrEqual(Math.ceil(two.steps * (Math.log(2) / Math.log(3))) + 1);
    expect(three.flops).toBeLessThan(1.15 * two.flops);
  });

  test('a lower bound that is too large, or an upper one too small: restarted, and said', () => {
    const n = 64;
    const a = withSpectrum(logSpaced(n, 1e3));
    for (const bounds of [
      { lambdaMin: 0.2, lambdaMax: 1.05 },
      { lambdaMin: 1e-3, lambdaMax: 0.3 },
    ]) {
      const { status, restarts, residual } = hyperpowerInverse(a, { n, ...bounds });
      expect([status, residual <= 1e-10]).toEqual(['ok', true]);
      expect(restarts).toBeGreaterThan(0);
      expect(hyperpowerInverse(a, { n, order: 3, ...bounds }).restarts).toBeGreaterThan(0);
    }
    expect(hyperpowerInverse(a, { n, lambdaMin: 1e-3, lambdaMax: 1.05 }).restarts).toBe(0);
  });

  test('refuses bounds out of order, and other orders', () => {
    const a = secondDifferences(3);
    for (const order of [0, 1, 4, 2.5, NaN, '3', null]) {
      const options = { n: 3, order } as unknown as { n: number };
      expect(thrownCode(() => hyperpowerInverse(a, options))).toBe('GRADSIFT_ARGUMENT');
    }
    for (const bounds of [{ lambdaMin: 0 }, { lambdaMax: NaN }, { lambdaMin: 2, lambdaMax: 1 }]) {
      expect(thrownCode(() => hyperpowerInverse(a, { n: 3, ...bounds }))).toBe('GRADSIFT_ARGUMENT');
    }
  });
});
