// O17: metrics with known answers, ties included.
import { detectionCurve, rocAuc } from '../../lib/influence/detection.js';
import { averageRanks, rankAgreement } from '../../lib/influence/rank-agreement.js';
import { topK } from '../../lib/influence/top-k.js';
import { noise } from './fixtures.js';

describe('topK', () => {
  test('highest and lowest, equal scores by index, NaN never', () => {
    const scores = [3, NaN, 5, 3, -1, 5, 3];
    expect(topK(scores, 4)).toEqual([2, 5, 0, 3].map((index) => ({ index, score: scores[index] })));
    expect(topK(scores, 3, { order: 'lowest' })).toEqual([4, 0, 3].map((index) => ({ index, score: scores[index] })));
    expect(topK(scores, 100).map(({ index }) => index)).toEqual([2, 5, 0, 3, 6, 4]);
    expect(topK(scores, 0)).toEqual([]);
    expect(topK(new Float64Array(0), 3)).toEqual([]);
  });

  test('agrees with a full sort for every k', () => {
    const scores = noise(1, 300).map((value) => Math.round(8 * value));
    const sorted = Array.from(scores, (score, index) => ({ index, score })).sort(
      (a, b) => b.score - a.score || a.index - b.index,
    );
    for (let k = 0; k <= 300; k += 7) expect(topK(scores, k)).toEqual(sorted.slice(0, k));
  });

  test('infinite scores have their place', () => {
    expect(topK([0, Infinity, -Infinity], 3).map(({ index }) => index)).toEqual([1, 0, 2]);
  });

  test.each([[NaN], [-1], [1.5], ['1'], [null], [Infinity]])('refuses k = %p', (k) => {
    expect(() => topK([1], k as number)).toThrow(expect.objectContaining({ code: 'GRADSIFT_ARGUMENT' }));
  });

  test('refuses an unknown order and a list that is none', () => {
    expect(() => topK([1], 1, { order: 'best' as 'highest' })).toThrow(
      expect.objectContaining({ code: 'GRADSIFT_ARGUMENT' }),
    );
    expect(() => topK(null as unknown as number[], 1)).toThrow(expect.objectContaining({ code: 'GRADSIFT_ARGUMENT' }));
  });
});

describe('rocAuc', () => {
  const marked = [1, 1, 0, 0];
  test.each([
    ['perfect', [4, 3, 2, 1], 1],
    ['reversed', [1, 2, 3, 4], 0],
    ['all equal', [7, 7, 7, 7], 0.5],
    ['one pair tied', [3, 2, 2, 1], 0.875],
    ['one pair swapped', [4, 2, 3, 1], 0.75],
  ])('%s', (_, scores, expected) => expect(rocAuc(scores, marked)).toBe(expected));

  test('is the share of pairs in the right order, ties one half', () => {
    const scores = noise(2, 60).map((value) => Math.round(4 * value));
    const flags = Array.from({ length: 60 }, (_, i) => i % 3 === 0);
    let [sum, pairs] = [0, 0];
    for (let i = 0; i < 60; ++i) {
      for (let j = 0; j < 60; ++j) {
        if (!flags[i] || flags[j]) continue;
        sum += (scores[i] as number) > (scores[j] as number) ? 1 : scores[i] === scores[j] ? 0.5 : 0;
        ++pairs;
      }
    }
    expect(rocAuc(scores, flags)).toBe(sum / pairs);
  });

  test('undefined when all are marked, or none', () => {
    expect(rocAuc([1, 2], [0, 0])).toBeNull();
    expect(rocAuc([1, 2], [1, 1])).toBeNull();
  });

  test('refuses lists of different lengths, and NaN', () => {
    expect(() => rocAuc([1], [1, 0])).toThrow(expect.objectContaining({ code: 'GRADSIFT_SHAPE' }));
    expect(() => rocAuc([1, NaN], [1, 0])).toThrow(expect.objectContaining({ code: 'GRADSIFT_NON_FINITE' }));
  });
});

describe('detectionCurve', () => {
  test('perfect, reversed and known orders', () => {
    expect(Array.from(detectionCurve([4, 3, 2, 1], [1, 1, 0, 0]))).toEqual([0, 0.5, 1, 1, 1]);
    expect(Array.from(detectionCurve([1, 2, 3, 4], [1, 1, 0, 0]))).toEqual([0, 0, 0, 0.5, 1]);
    expect(Array.from(detectionCurve([2, 9, 2, 2], [0, 0, 1, 1]))).toEqual([0, 0, 0, 0.5, 1]);
  });
  test('NaN throughout when none is marked', () => {
    expect(Array.from(detectionCurve([1, 2], [0, 0]))).toEqual([NaN, NaN, NaN]);
  });
});

describe('rankAgreement', () => {
  test('average ranks', () => {
    expect(Array.from(averageRanks([10, 30, 20, 20]))).toEqual([1, 4, 2.5, 2.5]);
  });
  test('1 for scores that generate the targets, -1 negated', () => {
    const scores = noise(3, 50);
    const targets = scores.map((value) => Math.exp(3 * value));
    expect(rankAgreement(scores, targets).spearman).toBe(1);
    expect(
      rankAgreement(
        scores.map((value) => -value),
        targets,
      ).spearman,
    ).toBe(-1);
  });
  test('a case by hand, with a tie', () => {
    // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
    expect(rankAgreement([1, 2, 2, 3], [1, 2, 3, 4]).spearman).toBe(4.5 / Math.sqrt(4.5 * 5));
  });
  test('undefined is said, and NaN pairs are left out', () => {
    expect(rankAgreement([1, 1, 1], [1, 2, 3])).toEqual({
      spearman: null,
      pairs: 3,
      undefinedBecause: 'one side is constant',
    });
    expect(rankAgreement([1, NaN], [1, 2])).toEqual({
      spearman: null,
      pairs: 1,
      undefinedBecause: 'fewer than two pairs',
    });
    expect(rankAgreement([1, NaN, 2], [1, 5, 2])).toEqual({ spearman: 1, pairs: 2, undefinedBecause: null });
    expect(() => rankAgreement([1], [1, 2])).toThrow(expect.objectContaining({ code: 'GRADSIFT_SHAPE' }));
  });
});
