// Golden vectors: float64, from the equations (reweighting.md 6.9); G and uniform first weights throughout.
import { doge, type DogeEvidence, type DogeOptions } from '../../lib/reweighting/doge.js';
import { thrownCode } from '../linalg/matrices.js';
import { alignmentOf, expectDigits, gramOf, largestGap, named, norm, sum, values } from './numbers.js';

const G = [
  [1, 2, 0],
  [0, 1, -1],
  [2, 0, 1],
];
const DOMAINS = ['a', 'b', 'c'];
const UNIFORM = [1 / 3, 1 / 3, 1 / 3];

/** Weights after one step from uniform ones. */
function step(options: DogeOptions, evidence: DogeEvidence): number[] {
  const rule = doge(options);
  return values(rule.weights(rule.update(rule.init(DOMAINS), evidence)));
}

/** The scores that a step of size 1 took: differences of log weights, up to a constant. */
const centredScores = (weights: readonly number[]) => {
  const logs = weights.map(Math.log);
  return logs.map((value) => value - sum(logs) / logs.length);
};
const centred = (scores: readonly number[]) => scores.map((value) => value - sum(scores) / scores.length);
// Logarithms of weights above e^-20, of a softmax: a dozen roundings of numbers below 20.
const LOG_BOUND = 12 * 20 * 2 ** -53;

test('universal scores, self term included and excluded', () => {
  const gram = gramOf(G);
  expect(largestGap(centredScores(step({ stepSize: 1 }, { gram })), centred([9, 3, 6]))).toBeLessThanOrEqual(LOG_BOUND);
  const without = step({ stepSize: 1, selfTerm: false }, { gram });
  expect(largestGap(centredScores(without), centred([4, 1, 1]))).toBeLessThanOrEqual(LOG_BOUND);
});

test('official step: mean norm, learning rate, mu, smoothing', () => {
  const gram = gramOf(G);
  const official = { variant: 'official' } as const;
  expect(sum(G.map(norm)) / 3).toBe(1.9621165057908916);
  const slow = { learningRate: 1e-3, gram };
  expectDigits(step(official, slow), [0.343576751724, 0.323193789325, 0.333229458952], 12);
  const smoothed = step({ ...official, smoothing: 0.01 }, slow);
  expectDigits(smoothed, [0.34347431754, 0.323295184765, 0.333230497696], 12);
  const fast = step(official, { learningRate: 0.1, gram });
  expectDigits(fast, [0.953113578258, 0.002104109649, 0.044782312093], 12);
});

test('the scores of the official step, before mu', () => {
  const scores = [0.004586881251, 0.001528960417, 0.003057920834];
  const expected = scores.map((s) => Math.exp(s / 0.05));
  const gram = gramOf(G);
  const found = step({ variant: 'official' }, { learningRate: 1e-3, gram });
  // Scores are given to 12 decimals; over mu that is 1e-11 of a logarithm of weights below 1.
  expect(
    largestGap(
      found,
      expected.map((x) => x / sum(expected)),
    ),
  ).toBeLessThanOrEqual(1e-11);
});

test('rows clipped to norm 1 as torch clips them', () => {
  const found = centredScores(step({ stepSize: 1, perDomainClipNorm: 1 }, { gram: gramOf(G) }));
  const published = [2.032453549781, 1.316225986777, 1.083771346814];
  expect(largestGap(found, centred(published))).toBeLessThanOrEqual(1e-12 + LOG_BOUND);
  // Exact scaling differs in the sixth decimal: the guard is seen.
  const exact = [2.032455532034, 1.316227766017, 1.083772233983];
  expect(largestGap(found, centred(exact))).toBeGreaterThan(1e-7);
});

test('out-of-domain: the same as a universal Gram of domains and target, and clips the target too', () => {
  const target = [1, 0, 1];
  const options = { target: { name: 'medicine' }, stepSize: 1 } as const;
  const alignment = alignmentOf(G, target);
  expect(values(alignment)).toEqual([1, -1, 3]);
  const plain = centredScores(step(options, { alignment }));
  expect(largestGap(plain, centred([1, -1, 3]))).toBeLessThanOrEqual(LOG_BOUND);
  const evidence = { alignment, norms: named(G.map(norm)), targetNorm: norm(target) };
  const cosine = centredScores(step({ ...options, scoreNorm: 'cosine' }, evidence));
  const cosines = [0.316227766017, -0.5, 0.948683298051];
  expect(largestGap(cosine, centred(cosines))).toBeLessThanOrEqual(1e-12 + LOG_BOUND);
  const clipped = centredScores(step({ ...options, perDomainClipNorm: 1 }, evidence));
  const factor = (length: number) => 1 / (length + 1e-6);
  const scores = G.map((g, i) => (values(alignment)[i] as number) * factor(norm(g)) * factor(norm(target)));
  expect(largestGap(clipped, centred(scores))).toBeLessThanOrEqual(LOG_BOUND);
});

test('cosine of the universal target', () => {
  const total = [3, 3, 0];
  const cosines = G.map((g) => (g[0]! * 3 + g[1]! * 3) / norm(g) / norm(total));
  const found = centredScores(step({ stepSize: 1, scoreNorm: 'cosine' }, { gram: gramOf(G) }));
  expect(largestGap(found, centred(cosines))).toBeLessThanOrEqual(LOG_BOUND);
});

test('cosine of the universal target without its self term: of each domain with the sum of the others', () => {
  const cosines = G.map((g, i) => {
    const others = [0, 1, 2].map((x) => sum(G.map((h, j) => (i === j ? 0 : h[x]!))));
    return sum(g.map((value, x) => value * others[x]!)) / norm(g) / norm(others);
  });
  const found = centredScores(step({ stepSize: 1, scoreNorm: 'cosine', selfTerm: false }, { gram: gramOf(G) }));
  expect(largestGap(found, centred(cosines))).toBeLessThanOrEqual(LOG_BOUND);
});

describe('invariants', () => {
  const scaled = (c: number) => gramOf(G.map((g) => g.map((x) => c * x)));
  const scoresAt = (options: DogeOptions, c: number) => {
    return centredScores(step({ stepSize: 0.1, ...options }, { gram: scaled(c) }));
  };

  test.each([
    ['none', 2, 0],
    ['meanNorm', 1, 1e-6], // its guard of 1e-6 in a mean norm of 1.96
    ['cosine', 0, 0],
  ] as const)('scores %s are of degree %i in the gradients', (scoreNorm, degree, guard) => {
    const [one, three] = [scoresAt({ scoreNorm }, 1), scoresAt({ scoreNorm }, 3)];
    const expected = one.map((value) => value * 3 ** degree);
    expect(largestGap(three, expected)).toBeLessThanOrEqual(guard + 9 * LOG_BOUND);
  });

  test('a constant on all scores changes nothing, unless scores are clipped', () => {
    const options = { target: { name: 't' }, stepSize: 1 } as const;
    const plain = step(options, { alignment: named([1, -1, 3]) });
    const moved = step(options, { alignment: named([2, 0, 4]) });
    expect(largestGap(plain, moved)).toBeLessThanOrEqual(LOG_BOUND);
    const clip = [0, 5] as const;
    const cut = step({ ...options, clip }, { alignment: named([1, -1, 3]) });
    expect(largestGap(cut, step({ ...options, clip }, { alignment: named([2, 0, 4]) }))).toBeGreaterThan(0.01);
  });

  test('constant scores: alpha_T is proportional to alpha_0 exp(T eta a)', () => {
    const rule = doge({ target: { name: 't' }, stepSize: 0.05 });
    let state = rule.init(DOMAINS, named([0.5, 0.3, 0.2]));
    for (let t = 0; t < 40; ++t) state = rule.update(state, { alignment: named([1, -1, 3]) });
    const powers = [0.5 * Math.exp(2), 0.3 * Math.exp(-2), 0.2 * Math.exp(6)];
    const expected = powers.map((x) => x / sum(powers));
    expect(largestGap(values(rule.weights(state)), expected)).toBeLessThanOrEqual(40 * LOG_BOUND);
  });

  test('split in two halves a domain keeps its sum; the universal target counts it twice', () => {
    const rule = doge({ target: { name: 't' }, stepSize: 0.3 });
    const whole = rule.update(rule.init(DOMAINS), { alignment: named([1, -1, 3]) });
    const first = rule.init(['a', 'b', 'c', 'd'], named([1 / 6, 1 / 3, 1 / 3, 1 / 6]));
    const split = values(rule.weights(rule.update(first, { alignment: named([1, -1, 3, 1]) })));
    expect(Math.abs(split[0]! + split[3]! - values(rule.weights(whole))[0]!)).toBeLessThanOrEqual(LOG_BOUND);
    const universal = doge({ stepSize: 0.3 });
    const twice = [...G, G[0]!];
    const after = values(
      universal.weights(universal.update(universal.init(['a', 'b', 'c', 'd']), { gram: gramOf(twice) })),
    );
    const once = values(universal.weights(universal.update(universal.init(DOMAINS), { gram: gramOf(G) })));
    expect(Math.abs(after[0]! / after[1]! - once[0]! / once[1]!)).toBeGreaterThan(0.1);
  });
});

describe('a domain that the batch lacks', () => {
  // Step 1 has all three domains, step 2 lacks c.
  const later = [
    [2, 0, 0],
    [0, 3, 0],
  ];
  const after = (absent: 'stale' | 'zero' | 'skip', scoreNorm: 'none' | 'meanNorm' = 'none') => {
    const rule = doge({ target: { name: 't' }, stepSize: 1, absent, scoreNorm });
    const first = rule.update(rule.init(DOMAINS), { alignment: named([0, 0, 1]), norms: named([1, 1, 4]) });
    const evidence = { alignment: named([1, 2]), norms: named(later.map(norm)) };
    const second = rule.update(first, evidence);
    const logs = values(rule.weights(second)).map(Math.log);
    const before = values(rule.weights(first)).map(Math.log);
    return centred(logs.map((value, index) => value - before[index]!));
  };

  test('its last score, or none; and whether it counts in the mean norm', () => {
    expect(largestGap(after('stale'), centred([1, 2, 1]))).toBeLessThanOrEqual(LOG_BOUND);
    expect(largestGap(after('zero'), centred([1, 2, 0]))).toBeLessThanOrEqual(LOG_BOUND);
    expect(largestGap(after('skip'), centred([1, 2, 0]))).toBeLessThanOrEqual(LOG_BOUND);
    const over = (scores: number[], mean: number) => centred(scores.map((score) => score / (mean + 1e-6)));
    expect(largestGap(after('stale', 'meanNorm'), over([1, 2, 1], 3))).toBeLessThanOrEqual(LOG_BOUND);
    expect(largestGap(after('zero', 'meanNorm'), over([1, 2, 0], 5 / 3))).toBeLessThanOrEqual(LOG_BOUND);
    expect(largestGap(after('skip', 'meanNorm'), over([1, 2, 0], 5 / 2))).toBeLessThanOrEqual(LOG_BOUND);
  });

  test('universal: stale products are those of the last step in which both were present', () => {
    const rule = doge({ stepSize: 1, absent: 'stale' });
    const first = rule.update(rule.init(DOMAINS), { gram: gramOf(G) });
    const second = rule.update(first, { gram: gramOf(later) });
    // Products of c: with itself 5, with a 2, with b -1, as they were.
    const w = [4 + 0 + 2, 0 + 9 - 1, 2 - 1 + 5];
    const moved = values(rule.weights(second)).map((x, i) => Math.log(x) - Math.log(values(rule.weights(first))[i]!));
    expect(largestGap(centred(moved), centred(w))).toBeLessThanOrEqual(LOG_BOUND);
  });
});

test('learned is the mean of the weights after the burn-in', () => {
  const rule = doge({ target: { name: 't' }, stepSize: 1, burnIn: 1 });
  let state = rule.init(DOMAINS);
  expect(values(rule.learned(state))).toEqual(UNIFORM);
  const seen: number[][] = [];
  for (const score of [3, 1, -2]) {
    state = rule.update(state, { alignment: named([score, 0, 0]) });
    seen.push(values(rule.weights(state)));
  }
  const mean = DOMAINS.map((_, i) => (seen[1]![i]! + seen[2]![i]!) / 2);
  expect(values(rule.learned(state))).toEqual(mean);
});

test('a learning rate of 0, as in a warm-up, changes nothing but the mean', () => {
  expect(largestGap(step({}, { learningRate: 0, gram: gramOf(G) }), UNIFORM)).toBeLessThanOrEqual(2 ** -53);
});

describe('mistakes', () => {
  test.each([
    { variant: 'code' },
    { target: 'a' },
    { target: null },
    { selfTerm: 1 },
    { mu: 0 },
    { mu: NaN },
    { mu: 1, stepSize: 1 },
    { stepSize: -1 },
    { scoreNorm: 'norm' },
    { clip: [1, 0] },
    { clip: [0] },
    { clip: [NaN, 1] },
    { perDomainClipNorm: 0 },
    { absent: 'old' },
    { burnIn: 0.5 },
    { smoothing: 1 },
    { smoothing: NaN },
    { floor: -0.1 },
    { cap: 1.5 },
  ])('option %j', (options) => {
    expect(thrownCode(() => doge(options as DogeOptions))).toBe('GRADSIFT_ARGUMENT');
  });

  test('evidence', () => {
    const code = (evidence: unknown, options: DogeOptions = {}) =>
      thrownCode(() => step(options, evidence as DogeEvidence));
    const gram = gramOf(G);
    expect(code({ gram })).toBe('GRADSIFT_ARGUMENT'); // no learning rate
    expect(code({ gram, learningRate: -1 })).toBe('GRADSIFT_ARGUMENT');
    expect(code({ gram: { a: { a: 1 }, b: { b: 1 } }, learningRate: 1 })).toBe('GRADSIFT_ARGUMENT');
    expect(code({ gram: { a: { a: -1 } }, learningRate: 1 })).toBe('GRADSIFT_ARGUMENT');
    const skew = { a: { a: 1, b: 0 }, b: { a: 1, b: 1 } };
    expect(code({ gram: skew, learningRate: 1 })).toBe('GRADSIFT_ARGUMENT');
    const norms = { target: { name: 't' }, stepSize: 1, scoreNorm: 'cosine' } as const;
    expect(code({ alignment: named([1]) }, norms)).toBe('GRADSIFT_ARGUMENT');
    expect(code({ alignment: named([1]), norms: named([1]) }, norms)).toBe('GRADSIFT_ARGUMENT');
    expect(code({ alignment: named([1]), norms: named([-1]), targetNorm: 1 }, norms)).toBe('GRADSIFT_ARGUMENT');
    expect(code({ alignment: named([1e308]) }, { target: { name: 't' }, stepSize: 1e10 })).toBe('GRADSIFT_NON_FINITE');
  });

  test('a target that is a domain', () => {
    expect(thrownCode(() => doge({ target: { name: 'b' } }).init(DOMAINS))).toBe('GRADSIFT_ARGUMENT');
  });
});

test('a domain that the evidence lacks may have any name', () => {
  const rule = doge({ stepSize: 1 });
  const { weights } = rule.update(rule.init(['constructor', 'b']), { gram: { b: { b: 1 } } });
  // exp, a sum, two divisions.
  expect(Math.abs(weights[1]! / weights[0]! - Math.E)).toBeLessThanOrEqual(8 * Math.E * 2 ** -53);
});

test('a state of another target is refused', () => {
  const rule = doge({ stepSize: 1, target: { name: 'wiki' }, absent: 'stale' });
  const universal = doge({ stepSize: 1 }).init(['a', 'b']);
  expect(thrownCode(() => rule.update(universal, { alignment: { b: 1 } }))).toBe('GRADSIFT_ARGUMENT');
});
