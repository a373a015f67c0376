import { mixtureSampler, type DrawnSample, type MixtureSamplerState } from '../../lib/reweighting/mixture-sampler.js';
import { thrownCode } from '../linalg/matrices.js';
import { named } from './numbers.js';

const sizes = { a: 5, b: 40, c: 7 };
const WEIGHTS = { a: 0.2, b: 0.5, c: 0.3 };
const LATER = { a: 0.6, b: 0, c: 0.4 };

/** Samples by domain, in order. */
const byDomain = (samples: readonly DrawnSample[]) => {
  const lists: Record<string, number[]> = {};
  for (const { domain, index } of samples) (lists[domain] ??= []).push(index);
  return lists;
};

describe.each([false, true])('replacement %p', (replacement) => {
  const sampler = mixtureSampler({ sizes, seed: 11, replacement });

  test('resumes at any place through JSON, with the same samples, across a change of weights', () => {
    const plan = [...Array.from({ length: 30 }, () => WEIGHTS), ...Array.from({ length: 30 }, () => LATER)];
    const run = (state: MixtureSamplerState, from: number, to: number) => {
      const samples: DrawnSample[] = [];
      for (let n = from; n < to; ++n) {
        const drawn = mixtureSampler({ sizes, seed: 11, replacement }).draw(state, plan[n]!, 1);
        samples.push(...drawn.samples);
        state = JSON.parse(JSON.stringify(drawn.state)) as MixtureSamplerState;
      }
      return { samples, state };
    };
    const first = sampler.draw(sampler.init(), WEIGHTS, 30);
    const second = sampler.draw(first.state, LATER, 30);
    const stepwise = run(sampler.init(), 0, 60);
    expect(stepwise.samples).toEqual([...first.samples, ...second.samples]);
    expect(stepwise.state).toEqual(second.state);
  });

  test('domains come as often as their weights say', () => {
    const count = 20_000;
    const lists = byDomain(sampler.draw(sampler.init(), WEIGHTS, count).samples);
    for (const [name, weight] of Object.entries(WEIGHTS)) {
      // Six standard deviations of a binomial count.
      const bound = 6 * Math.sqrt(count * weight * (1 - weight));
      expect(Math.abs(lists[name]!.length - weight * count)).toBeLessThanOrEqual(bound);
      const most = Math.max(...lists[name]!);
      expect(most).toBe(sizes[name as 'a'] - 1);
    }
  });

  test('the order within a domain does not depend on weights or on other domains', () => {
    const one = byDomain(sampler.draw(sampler.init(), WEIGHTS, 400).samples).a!;
    const other = byDomain(sampler.draw(sampler.init(), LATER, 400).samples).a!;
    const more = mixtureSampler({ sizes: { z: 9, ...sizes }, seed: 11, replacement });
    const third = byDomain(more.draw(more.init(), { z: 0.5, a: 0.5, b: 0, c: 0 }, 400).samples).a!;
    const shared = Math.min(one.length, other.length, third.length);
    expect(one.slice(0, shared)).toEqual(other.slice(0, shared));
    expect(one.slice(0, shared)).toEqual(third.slice(0, shared));
  });
});

test.each<[string, object]>([
  ['draws that are not those taken', { drawn: 3 }],
  ['draws unknown', { drawn: null }],
  ['a domain unknown', { taken: { a: 1, b: 1 } }],
])('a state with %s is refused', (_, change) => {
  const sampler = mixtureSampler({ sizes, seed: 1 });
  const state = { ...sampler.draw(sampler.init(), WEIGHTS, 2).state, ...change };
  expect(thrownCode(() => sampler.draw(state, WEIGHTS, 1))).toBe('GRADSIFT_ARGUMENT');
});

test('replacement is true or false', () => {
  const options = { sizes, seed: 1, replacement: 'no' as unknown as boolean };
  expect(thrownCode(() => mixtureSampler(options))).toBe('GRADSIFT_ARGUMENT');
});

test('without replacement an epoch has every sample once, each epoch in another order', () => {
  const sampler = mixtureSampler({ sizes, seed: 11 });
  const list = byDomain(sampler.draw(sampler.init(), { a: 0, b: 1, c: 0 }, 120).samples).b!;
  const epochs = [0, 1, 2].map((epoch) => list.slice(40 * epoch, 40 * (epoch + 1)));
  for (const epoch of epochs) expect([...epoch].sort((x, y) => x - y)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(new Set(epochs.map(String)).size).toBe(3);
});

test('shuffles are uniform: each of the 6 orders of 3 samples as often', () => {
  const sampler = mixtureSampler({ sizes: { a: 3 }, seed: 4 });
  const list = byDomain(sampler.draw(sampler.init(), { a: 1 }, 3 * 3000).samples).a!;
  const counts = new Map<string, number>();
  for (let n = 0; n < list.length; n += 3) {
    const key = list.slice(n, n + 3).join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values())
    expect(Math.abs(count - 500)).toBeLessThanOrEqual(6 * Math.sqrt((3000 * 5) / 36));
});

test('with replacement samples are uniform and come again', () => {
  const sampler = mixtureSampler({ sizes: { a: 4 }, seed: 4, replacement: true });
  const list = byDomain(sampler.draw(sampler.init(), { a: 1 }, 4000).samples).a!;
  for (let index = 0; index < 4; ++index) {
    const count = list.filter((value) => value === index).length;
    expect(Math.abs(count - 1000)).toBeLessThanOrEqual(6 * Math.sqrt((4000 * 3) / 16));
  }
});

test('mistakes', () => {
  const code = (options: object) => thrownCode(() => mixtureSampler(options as { sizes: typeof sizes; seed: number }));
  expect(code({ sizes, seed: -1 })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ sizes: {}, seed: 1 })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ sizes: { a: 1.5 }, seed: 1 })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ sizes: { a: 2 ** 32 }, seed: 1 })).toBe('GRADSIFT_ARGUMENT');
  const sampler = mixtureSampler({ sizes: { a: 3, b: 0 }, seed: 1 });
  const draw = (state: unknown, weights: object) =>
    thrownCode(() => sampler.draw(state as MixtureSamplerState, weights as typeof WEIGHTS, 1));
  expect(draw(sampler.init(), named([0.5, 0.5]))).toBe('GRADSIFT_ARGUMENT'); // b has no data
  expect(draw(sampler.init(), named([1, 0]))).toBe('none');
  expect(draw(sampler.init(), named([0.4, 0]))).toBe('GRADSIFT_ARGUMENT');
  expect(draw({ ...sampler.init(), seed: 2 }, named([1, 0]))).toBe('GRADSIFT_ARGUMENT');
  expect(draw({ ...sampler.init(), taken: { a: 1 } }, named([1, 0]))).toBe('GRADSIFT_ARGUMENT');
  expect(draw(null, named([1, 0]))).toBe('GRADSIFT_ARGUMENT');
});
