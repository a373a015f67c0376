import { hyperpowerInverse } from '../../lib/linalg/hyperpower-inverse.js';
import { hyperpowerPlan, hyperpowerSolve } from '../../lib/linalg/hyperpower-solve.js';
import {
  difference,
  fisher,
  identity,
  logSpaced,
  multiply,
  norm,
  normals,
  thrownCode,
  U64,
  withSpectrum,
} from './matrices.js';

describe('hyperpowerPlan', () => {
  // 1 / T_{2^k}(1 / rho_0) with 1 / rho_0 = 1 + t: acosh(1 + t) = log1p(t + sqrt(t (2 + t))) keeps the digits near 1.
  const chebyshev = (a: number, b: number, k: number) => {
    const t = (2 * a) / (b - a);
    return 1 / Math.cosh(2 ** k * Math.log1p(t + Math.sqrt(t * (2 + t))));
  };

  test.each([2, 1e2, 1e5, 1e8, 1e12])('rho_k = 1 / T_{2^k}(1 / rho_0), kappa %p', (kappa) => {
    const { rhos } = hyperpowerPlan({ n: 10, rhs: 1, lambdaMin: 1, lambdaMax: kappa });
    let compared = 0;
    rhos.forEach((rho, k) => {
      const exact = chebyshev(1, kappa, k);
      if (exact < 1e-30) return;
      // delta = 1 - rho is good to a few roundings a step; squaring doubles a relative error of rho where it is small.
      expect(Math.abs(rho - exact)).toBeLessThanOrEqual(2 ** 7 * (k + 1) * U64 * exact);
      ++compared;
    });
    expect(compared).toBeGreaterThan(3);
  });

  test('a looser bound costs steps, more right-hand sides cost factors', () => {
    const plan = (kappa: number, rhs = 16) =>
      hyperpowerPlan({ n: 512, rhs, lambdaMin: 1, lambdaMax: kappa, tolerance: 1e-6, precision: 'mixed' });
    expect(plan(1e6).steps).toBeGreaterThan(plan(1e2).steps);
    expect(plan(1e3, 512).steps).toBeGreaterThan(plan(1e3, 1).steps);
    expect(plan(1e3, 512).passes).toBeLessThan(plan(1e3, 1).passes);
    const { flops, steps, passes, rho } = plan(700);
    expect(flops).toBe((steps - 1) * 512 * 512 * 513 + passes * 2 * 512 * 512 * 16 * (steps + 2));
    expect(rho).toBeLessThanOrEqual(0.25);
  });

  test.each([
    ['n', 0],
    ['rhs', '1'],
    ['lambdaMin', 0],
    ['lambdaMin', 3],
    ['lambdaMax', Infinity],
    ['tolerance', NaN],
    ['precision', 'f32'],
  ])('refuses %s = %p', (name, value) => {
    const options = { n: 4, rhs: 1, lambdaMin: 1, lambdaMax: 2, [name]: value } as unknown as { n: number };
    expect(thrownCode(() => hyperpowerPlan(options as Parameters<typeof hyperpowerPlan>[0]))).toBe('GRADSIFT_ARGUMENT');
  });
});

describe('hyperpowerSolve', () => {
  test('on V = I it gives the scaled inverse', () => {
    const n = 48;
    const kappa = 300;
    const a = withSpectrum(logSpaced(n, kappa));
    const tolerance = 1e-12;
    const { solution, residual } = hyperpowerSolve(a, identity(n), { n, rhs: n, lambdaMin: 1 / kappa, tolerance });
    const inverse = hyperpowerInverse(a, { n, lambdaMin: 1 / kappa, tolerance });
    const bound = kappa * Math.sqrt(n) * (residual + inverse.residual);
    expect(norm(difference(solution, inverse.inverse))).toBeLessThanOrEqual(bound);
  });

  test.each([1e2, 1e3, 1e4, 1e5, 1e6])('mixed precision refines to 1e-10, kappa %p', (kappa) => {
    const n = 128;
    const a = withSpectrum(logSpaced(n, kappa));
    const v = normals(2, 8 * n);
    const options = { n, rhs: 8, lambdaMin: 1 / kappa, precision: 'mixed' as const };
    const { status, residual, steps, refinements } = hyperpowerSolve(a, v, options);
    expect(status).toBe('ok');
    expect(residual).toBeLessThanOrEqual(1e-10);
    expect(steps).toBeLessThanOrEqual(Math.log2((Math.sqrt(kappa) * Math.log(2e10)) / 2) + 1);
    expect(refinements).toBeLessThanOrEqual(40);
  });

  test.each(['f64', 'mixed'] as const)('beyond what the factors resolve: kappa 1e9, %s', (precision) => {
    const n = 64;
    const kappa = 1e9;
    const a = withSpectrum(logSpaced(n, kappa));
    const exact = normals(5, n);
    const v = multiply(a, exact, n);
    const { status, residual, solution } = hyperpowerSolve(a, v, { n, rhs: 1, lambdaMin: 1 / kappa, precision });
    expect(status).toBe('ok');
    expect(norm(difference(solution, exact))).toBeLessThanOrEqual(
      kappa * (residual * norm(v) + 4 * n * U64 * norm(exact)),
    );
  });

  test('the published setting: 200 samples, 0.01 I, eight factors at the most', () => {
    const n = 256;
    const { g } = fisher(n, 200);
    const v = normals(1, 16 * n);
    const common = { n, rhs: 16, damping: 0.01, tolerance: 1e-6 };
    const mixed = hyperpowerSolve(g, v, { ...common, precision: 'mixed' });
    expect(mixed.status).toBe('ok');
    expect(mixed.steps).toBeLessThanOrEqual(8);
    expect(mixed.restarts).toBe(0);
    // The plan holds: it sees the same bounds.
    const { lambdaMin, lambdaMax } = mixed;
    const plan = hyperpowerPlan({ ...common, lambdaMin, lambdaMax, precision: 'mixed' });
    expect([mixed.steps, mixed.refinements <= plan.passes]).toEqual([plan.steps, true]);
    expect(lambdaMin).toBe(0.01);
    const textbook = hyperpowerInverse(g, { n, damping: 0.01, method: 'textbook', alpha: 5e-5, steps: 25 });
    expect(textbook.flops).toBeGreaterThan(10 * mixed.flops);
  });

  test('bounds that do not hold: the residual is right all the same', () => {
    const n = 64;
    const a = withSpectrum(logSpaced(n, 1e3));
    const v = normals(7, 4 * n);
    for (const bounds of [
      { lambdaMin: 0.2, lambdaMax: 1.05 },
      { lambdaMin: 1e-3, lambdaMax: 0.3 },
    ]) {
      const { status, residual } = hyperpowerSolve(a, v, { n, rhs: 4, ...bounds });
      expect([status, residual <= 1e-10]).toEqual(['ok', true]);
    }
  });

  test.each([
    { lambdaMin: 0 },
    { lambdaMin: '1' },
    { lambdaMax: -1 },
    { lambdaMin: 2, lambdaMax: 1 },
    { precision: 'f32' },
  ])('refuses %p', (bad) => {
    const options = { n: 2, rhs: 1, ...bad } as unknown as { n: number; rhs: number };
    const call = () => hyperpowerSolve(identity(2), new Float64Array(2), options);
    expect(thrownCode(call)).toBe('GRADSIFT_ARGUMENT');
  });
});
