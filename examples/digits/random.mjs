// The example's only source of randomness: xoshiro128** (Blackman and Vigna, 2018), seeded through splitmix32. The same
// seed gives the same run on every machine, which Math.random cannot.

/** splitmix32: turns one small seed into well-mixed 32-bit words. */
function splitmix32(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

const rotateLeft = (word, count) => (word << count) | (word >>> (32 - count));

/** A generator of uniform numbers in [0, 1) with 32 random bits each. */
export function generator(seed) {
  const next = splitmix32(seed);
  const s = Int32Array.from({ length: 4 }, next);
  return () => {
    const word = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotateLeft(s[3], 11);
    return word / 2 ** 32;
  };
}

/** The numbers 0 .. count - 1 in random order (Fisher-Yates). */
export function permutation(random, count) {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; --last) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** `count` numbers, uniform over (-limit, limit). */
export function uniform(random, count, limit) {
  return Float32Array.from({ length: count }, () => (2 * random() - 1) * limit);
}
