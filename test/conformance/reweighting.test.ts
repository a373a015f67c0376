// What every rule promises, a row a rule. Whether its numbers are right is for test/reweighting/<rule>.test.ts.
import { random, seeded } from '../../lib/random.js';
import { aioli, aioliMixtures } from '../../lib/reweighting/aioli.js';
import { dga } from '../../lib/reweighting/dga.js';
import { doge } from '../../lib/reweighting/doge.js';
import type { DomainNumbers, DomainWeights } from '../../lib/reweighting/domains.js';
import { doremi } from '../../lib/reweighting/doremi.js';
import { grape } from '../../lib/reweighting/grape.js';
import { odm } from '../../lib/reweighting/odm.js';
import { proportional } from '../../lib/reweighting/proportional.js';
import { regmix } from '../../lib/reweighting/regmix.js';
import type { Reweighter, ReweighterState } from '../../lib/reweighting/reweighter.js';
import { temperature } from '../../lib/reweighting/temperature.js';
import { uniform } from '../../lib/reweighting/uniform.js';
import { thrownCode } from '../linalg/matrices.js';

type Value = (domain: string, step: number) => number;
type Rule = Reweighter<ReweighterState, unknown>;

interface Row {
  readonly name: string;
  readonly rule: Rule;
  /** Evidence for these domains, from one number a domain in [-1, 1) and one a pair. */
  readonly evidence: (domains: readonly string[], step: number, value: Value) => unknown;
  /** Evidence has a number for each domain, which may be missing, NaN, or too large. */
  readonly keyed?: 'alignment' | 'loss' | 'excessLoss' | 'gram';
  /** A weight of 0 stays 0, and equal evidence leaves equal weights equal. */
  readonly multiplicative?: boolean;
  /** The result depends on the order of domains by more than rounding: a seeded draw goes to the first. */
  readonly ordered?: boolean;
}

/** Forgets which state and which evidence: the suite hands each rule its own. */
const row = <State extends ReweighterState, Evidence>(
  name: string,
  rule: Reweighter<State, Evidence>,
  evidence: (domains: readonly string[], step: number, value: Value) => Evidence,
  rest: Omit<Row, 'name' | 'rule' | 'evidence'> = {},
): Row => ({ name, rule, evidence, ...rest });

/** In [-1, 1), from the name, the step and nothing else. */
const valueOf: Value = (domain, step) => {
  const code = [...domain].reduce((sum, letter) => sum * 131 + letter.charCodeAt(0), 7) % 1_000_003;
  return 2 * random(seeded(code, step)).uniform() - 1;
};

const each = (domains: readonly string[], number: (domain: string) => number): DomainNumbers =>
  Object.fromEntries(domains.map((domain) => [domain, number(domain)]));

const alignment = (domains: readonly string[], step: number, value: Value) => ({
  alignment: each(domains, (domain) => value(domain, step)),
});
const withNorms = (domains: readonly string[], step: number, value: Value) => ({
  ...alignment(domains, step, value),
  norms: each(domains, (domain) => 1.5 + value(`${domain}'s norm`, step)),
  targetNorm: 2,
  learningRate: 0.5,
});
/** Of gradients with three entries each. */
const gram = (domains: readonly string[], step: number, value: Value) => {
  const entries = (domain: string) => ['x', 'y', 'z'].map((axis) => value(`${domain}.${axis}`, step));
  return {
    learningRate: 0.5,
    gram: Object.fromEntries(
      domains.map((one) => [
        one,
        each(domains, (other) => {
          const [a, b] = [entries(one), entries(other)];
          return a.reduce((sum, entry, axis) => sum + entry * (b[axis] as number), 0);
        }),
      ]),
    ),
  };
};
const loss = (domains: readonly string[], step: number, value: Value) => ({
  loss: each(domains, (domain) => 3 + value(domain, step)),
});
const excess = (domains: readonly string[], step: number, value: Value) => ({
  excessLoss: each(domains, (domain) => 1 + value(domain, step)),
});
const sweeps = (domains: readonly string[], step: number, value: Value) => ({
  sweeps: aioliMixtures(domains, 0.7).map((mixture) => ({
    mixture,
    decrease: each(domains, (domain) => mixture[domain]! * (1 + value(domain, step))),
  })),
});
const tasks = ['law', 'medicine'];
const taskEvidence = (domains: readonly string[], step: number, value: Value) => ({
  alignment: Object.fromEntries(
    domains.map((domain) => [domain, each(tasks, (task) => value(`${domain} ${task}`, step))]),
  ),
  taskProgress: each(tasks, (task) => value(task, step) / 10),
});
const sizes = { web: 5, books: 3, code: 2, wiki: 1 };
const target = { name: 'medicine' };
const kept = { multiplicative: true };

const rules: Row[] = [
  row('uniform', uniform(), () => undefined),
  row('proportional', proportional({ sizes }), () => undefined),
  row('temperature', temperature({ sizes, temperature: 2 }), () => undefined),
  row('doge, paper, universal', doge(), gram, { keyed: 'gram' }),
  row('doge, official, universal', doge({ variant: 'official', mu: 0.5 }), gram, { keyed: 'gram' }),
  row('doge, without self term', doge({ selfTerm: false }), gram, { keyed: 'gram' }),
  row('doge, paper, target', doge({ target, stepSize: 2 }), alignment, { keyed: 'alignment', ...kept }),
  row('doge, official, target', doge({ variant: 'official', target, perDomainClipNorm: 1 }), withNorms, {
    keyed: 'alignment',
  }),
  row('doge, cosine, burn-in', doge({ target, scoreNorm: 'cosine', burnIn: 2, smoothing: 0.01 }), withNorms),
  row('dga', dga({ target: 'medicine' }), alignment, { keyed: 'alignment', ...kept }),
  row('dga, average fed back', dga({ ema: { beta: 0.1 } }), alignment, { keyed: 'alignment', ...kept }),
  row('dga, average apart', dga({ ema: { beta: 0.1, feedBack: false } }), alignment, {
    keyed: 'alignment',
    ...kept,
  }),
  row('dga, cosine, stale', dga({ scoreNorm: 'cosine', absent: 'stale' }), withNorms),
  row('dga, centred, clipped', dga({ scoreNorm: 'maxAbs', clip: [-0.5, 0.5] }), alignment, kept),
  row('dga, floor and cap', dga({ floor: 0.05, cap: { web: 0.3 } }), alignment, { keyed: 'alignment' }),
  row('doremi', doremi({ smoothing: 0 }), excess, { keyed: 'excessLoss', ...kept }),
  row('doremi, smoothed', doremi({ smoothing: 1e-3, initialExcess: Math.log(50257) }), excess, {
    keyed: 'excessLoss',
  }),
  row('odm, exp3', odm(), loss, { keyed: 'loss' }),
  row('odm, smoothed', odm({ variant: 'smoothed', warmUp: 2 }), loss, { keyed: 'loss' }),
  row('odm, smoothed, linear', odm({ variant: 'smoothed', form: 'linear' }), loss, { keyed: 'loss' }),
  row(
    'regmix, linear',
    regmix({ seed: 3, degree: 'linear', candidates: 50, best: 5 }),
    (_domains, step, value) => ({
      loss: 3 + value('loss', step),
    }),
    { ordered: true },
  ),
  row(
    'regmix, quadratic',
    regmix({ seed: 3, ridge: 0.1, candidates: 50, best: 5 }),
    (_domains, step, value) => ({
      loss: 3 + value('loss', step),
    }),
    { ordered: true },
  ),
  row('aioli', aioli(), sweeps, kept),
  row('aioli, average', aioli({ ema: 0.1 }), sweeps, kept),
  row('grape', grape({ tasks }), taskEvidence, { keyed: 'alignment', ...kept }),
];

const DOMAINS = ['web', 'books', 'code', 'wiki'];
const STEPS = 7;

const run = ({ rule, evidence }: Row, domains: readonly string[], state: ReweighterState, steps = STEPS) => {
  let at = state;
  for (let step = state.step; step < steps; ++step) at = rule.update(at, evidence(domains, step, valueOf));
  return at;
};

function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

const sum = (weights: DomainWeights) => Object.values(weights).reduce((part, weight) => part + weight, 0);

function expectSimplex(weights: DomainWeights): void {
  expect(Object.values(weights).every((weight) => weight >= 0)).toBe(true);
  // Divisions, smoothing and a mean: a few roundings of each of k weights that are at most 1.
  expect(Math.abs(sum(weights) - 1)).toBeLessThanOrEqual(1e-12);
}

describe.each(rules)('$name', (row) => {
  const { rule, evidence } = row;

  test('weights stay on the simplex; neither state nor evidence is written to', () => {
    let state = freeze(rule.init(DOMAINS));
    for (let step = 0; step < STEPS; ++step) {
      expectSimplex(rule.weights(state));
      expectSimplex(rule.learned(state));
      expect(Object.keys(rule.weights(state))).toEqual(DOMAINS);
      state = freeze(rule.update(state, freeze(evidence(DOMAINS, step, valueOf))));
      expect(state.step).toBe(step + 1);
    }
    expectSimplex(rule.learned(state));
  });

  test('the state survives JSON and structuredClone, and a resumed run has the same bits', () => {
    const whole = run(row, DOMAINS, rule.init(DOMAINS));
    for (let stop = 0; stop <= STEPS; ++stop) {
      const state = run(row, DOMAINS, rule.init(DOMAINS), stop);
      expect(structuredClone(state)).toEqual(state);
      const resumed = JSON.parse(JSON.stringify(state)) as ReweighterState;
      expect(resumed).toEqual(state);
      expect(run(row, DOMAINS, resumed)).toEqual(whole);
    }
    expect(run(row, DOMAINS, rule.init(DOMAINS))).toEqual(whole);
  });

  test('what lacks a field of a state is none', () => {
    const state = run(row, DOMAINS, rule.init(DOMAINS), 2);
    rule.check(state);
    for (const field of Object.keys(state)) {
      const rest = Object.fromEntries(Object.entries(state).filter(([key]) => key !== field));
      expect(thrownCode(() => rule.check(rest as unknown as ReweighterState))).toBe('GRADSIFT_ARGUMENT');
    }
  });

  test('permuting domains permutes weights', () => {
    if (row.ordered) return;
    const order = ['wiki', 'code', 'web', 'books'];
    const before = rule.learned(run(row, DOMAINS, rule.init(DOMAINS)));
    const after = rule.learned(run(row, order, rule.init(order)));
    // Sums over domains in another order: STEPS updates of at most 8 roundings, in logits of at most 100.
    const bound = STEPS * 8 * 100 * 2 ** -53;
    for (const domain of DOMAINS) {
      expect(Math.abs(before[domain]! - after[domain]!)).toBeLessThanOrEqual(bound);
    }
  });

  test('one domain has weight 1', () => {
    if (row.name === 'proportional' || row.name === 'temperature') return; // their sizes name four
    if (row.name === 'dga, floor and cap') return; // its cap names one of four
    const alone = run(row, ['web'], rule.init(['web']));
    expect(rule.weights(alone)).toEqual({ web: 1 });
    expect(Math.abs(rule.learned(alone).web! - 1)).toBeLessThanOrEqual(4 * 2 ** -53);
  });

  test('bad domains and bad first weights', () => {
    const code = (domains: unknown, initial?: unknown) =>
      thrownCode(() => rule.init(domains as string[], initial as DomainWeights));
    for (const bad of [[], undefined, 'web', ['web', 'web'], ['web', ''], ['web', 3]]) {
      expect(code(bad)).toBe('GRADSIFT_ARGUMENT');
    }
    for (const bad of [
      { web: 0.5, books: 0.5, code: 0.5, wiki: -0.5 },
      { web: 0.5, books: 0.3, code: 0.1, wiki: 0.05 },
      { web: 1, books: 0, code: 0 },
      { web: 1, books: 0, code: 0, wiki: 0, other: 0 },
      { web: 1, books: 0, code: 0, wiki: null },
      [1, 0, 0, 0],
    ]) {
      expect(code(DOMAINS, bad)).toBe('GRADSIFT_ARGUMENT');
    }
    expect(code(DOMAINS, { web: NaN, books: 0, code: 0, wiki: 0 })).toBe('GRADSIFT_NON_FINITE');
  });

  test('a state that is none of this rule', () => {
    const state = rule.init(DOMAINS);
    const good = evidence(DOMAINS, 0, valueOf);
    for (const bad of [
      null,
      { ...state, rule: 'another' },
      { ...state, step: -1 },
      { ...state, domains: ['web', 'web', 'books', 'code'] },
      { ...state, weights: [0.5, 0.5] },
      { ...state, weights: [0.5, 0.5, 0.5, 0.5] },
      { ...state, weights: [NaN, 0.5, 0.5, 0] },
    ]) {
      expect(thrownCode(() => rule.update(bad as ReweighterState, good))).toBe('GRADSIFT_ARGUMENT');
    }
  });
});

describe.each(rules.filter(({ multiplicative }) => multiplicative))('$name', ({ rule, evidence }) => {
  const initial = { web: 0.6, books: 0.4, code: 0, wiki: 0 };

  test('a weight of 0 stays 0, one that was positive stays positive', () => {
    let state = rule.init(DOMAINS, initial);
    for (let step = 0; step < STEPS; ++step) state = rule.update(state, evidence(DOMAINS, step, valueOf));
    const { web, books, code, wiki } = rule.weights(state);
    expect([code, wiki]).toEqual([0, 0]);
    expect(web! > 0 && books! > 0).toBe(true);
  });

  test('equal evidence leaves the proportions as they were', () => {
    const state = rule.update(
      rule.init(DOMAINS, initial),
      evidence(DOMAINS, 0, () => 0.25),
    );
    // The logarithm, the gain and the exponential: a few roundings of logits below 10.
    for (const domain of DOMAINS) {
      expect(Math.abs(rule.weights(state)[domain]! - initial[domain as 'web'])).toBeLessThanOrEqual(100 * 2 ** -53);
    }
  });
});

describe.each(rules.filter(({ keyed }) => keyed !== undefined))('$name, bad evidence', ({ rule, evidence, keyed }) => {
  const field = keyed as string;
  const state = freeze(rule.init(DOMAINS));
  const good = evidence(DOMAINS, 0, valueOf) as Record<string, DomainNumbers>;
  const nested = typeof Object.values(good[field]!)[0] === 'object';
  /** The evidence with another value for one domain (and for its every pair). */
  const altered = (value: unknown, domain = 'code') => {
    const entry = nested
      ? Object.fromEntries(Object.keys(Object.values(good[field]!)[0]!).map((key) => [key, value]))
      : value;
    return { ...good, [field]: { ...good[field], [domain]: entry } };
  };
  const codeOf = (bad: unknown) => thrownCode(() => rule.update(state, bad));

  test('NaN and infinity are refused, and the state is as it was', () => {
    const before = JSON.stringify(state);
    for (const bad of [NaN, Infinity, -Infinity]) expect(codeOf(altered(bad))).toBe('GRADSIFT_NON_FINITE');
    expect(JSON.stringify(state)).toBe(before);
  });

  test('what is no number, and names that are no domains', () => {
    for (const bad of ['1', null, true]) expect(codeOf(altered(bad))).toBe('GRADSIFT_ARGUMENT');
    expect(codeOf(altered(1, 'no such domain'))).toBe('GRADSIFT_ARGUMENT');
    expect(codeOf({ ...good, [field]: undefined })).toBe('GRADSIFT_ARGUMENT');
    expect(codeOf({ ...good, [field]: [1, 2, 3, 4] })).toBe('GRADSIFT_ARGUMENT');
  });

  test('a domain without evidence', () => {
    const { code: _code, ...others } = good[field]!;
    const next = rule.update(state, { ...good, [field]: others });
    expectSimplex(rule.weights(next));
  });

  test('very large scores leave the simplex whole', () => {
    if (field === 'gram') return;
    let at: ReweighterState = state;
    for (const size of [1e4, 1e4, 0]) {
      const evidenceOf = nested
        ? {
            ...good,
            [field]: Object.fromEntries(DOMAINS.map((d) => [d, each(tasks, () => (d === 'code' ? size : 0))])),
          }
        : {
            ...good,
            [field]: each(DOMAINS, (domain) => (domain === 'code' ? Math.min(size, field === 'loss' ? 100 : 1e4) : 0)),
          };
      at = rule.update(at, evidenceOf);
      expectSimplex(rule.weights(at));
    }
  });
});
