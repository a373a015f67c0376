import { finite, histogram, mean, quantile, robustScale, standardDeviation } from '../../lib/report/statistics.js';

describe('histogram', () => {
  const values = Float64Array.from({ length: 1000 }, (_, i) => ((i * 7919) % 1000) / 100 - 3.7);

  test('counts every number once', () => {
    for (const data of [
      values,
      values.map(Math.abs),
      values.map((value) => -Math.abs(value)),
      Float64Array.of(1, NaN, 2),
    ]) {
      const bins = histogram(data);
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(finite(data).length);
    }
  });

  test('no bin holds both signs', () => {
    const bins = histogram(values);
    expect(bins.filter(({ from, to }) => from < 0 && to > 1e-12)).toEqual([]);
    const negative = bins.filter(({ to }) => to <= 1e-12).reduce((sum, { count }) => sum + count, 0);
    expect(negative).toBe(values.filter((value) => value < 0).length);
  });

  test('equal values, and none at all', () => {
    expect(histogram([2, 2, 2])).toEqual([{ from: 2, to: 2, count: 3 }]);
    expect(histogram([NaN])).toEqual([]);
  });
});

describe('summaries', () => {
  test('quantile interpolates between order statistics', () => {
    expect(quantile([1, 2, 4], 0.5)).toBe(2);
    expect(quantile([1, 2, 4], 0.75)).toBe(3);
    expect(quantile([5], 1)).toBe(5);
  });

  test('robustScale is not moved by one wild value, nor by NaN', () => {
    const { median, deviation } = robustScale([1, 2, 3, 4, 1e9, NaN]);
    expect(median).toBe(3);
    expect(deviation).toBe(1.4826);
    expect(robustScale([NaN]).median).toBeNaN();
  });

  test('mean and standard deviation', () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(standardDeviation([1, 2, 6])).toBe(Math.sqrt(7));
    expect(standardDeviation([5])).toBe(0);
  });
});
