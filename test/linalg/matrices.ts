/** Unit roundoffs. */
export const U64 = 2 ** -53;
export const U32 = 2 ** -24;

/** Standard normal numbers, the same on every machine and run. */
export function normals(seed: number, length: number): Float64Array {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float64Array.from({ length }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

export function diagonal(values: ArrayLike<number>): Float64Array {
  const n = values.length;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; ++i) a[i * n + i] = values[i] as number;
  return a;
}

/** tridiag(-1, 2, -1). Its inverse has the entries min(i, j) (n + 1 - max(i, j)) / (n + 1), counted from 1. */
export function secondDifferences(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => {
    const distance = Math.abs(Math.floor(at / n) - (at % n));
    return distance === 0 ? 2 : distance === 1 ? -1 : 0;
  });
}

export function secondDifferencesInverse(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n) + 1, (at % n) + 1];
    return (Math.min(i, j) * (n + 1 - Math.max(i, j))) / (n + 1);
  });
}

/** a I + b 1 1'. Its inverse is (1/a) (I - b 1 1' / (a + b n)). */
export function rankOneUpdate(n: number, a: number, b: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => b + (at % (n + 1) === 0 ? a : 0));
}

/** Eigenvalues as given, eigenvectors those of a product of two reflections: H diag(mu) H, H = I - 2 w w'. */
export function withSpectrum(values: ArrayLike<number>, seed = 1): Float64Array {
  const n = values.length;
  let a = diagonal(values);
  for (const shift of [0, 1]) {
    const w = normals(seed + shift, n);
    const size = Math.hypot(...w);
    for (let i = 0; i < n; ++i) w[i] = (w[i] as number) / size;
    // H A H = A - 2 w p' - 2 p w' + 4 (w' p) w w', p = A w: symmetric to the last bit.
    const p = multiply(a, w, n);
    const wp = dot(w, p);
    a = a.map((entry, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      const [low, high] = i < j ? [i, j] : [j, i];
      const [wl, wh, pl, ph] = [w[low], w[high], p[low], p[high]] as [number, number, number, number];
      return entry - 2 * (wl * ph + pl * wh) + 4 * wp * wl * wh;
    });
    for (let i = 0; i < n; ++i) for (let j = 0; j < i; ++j) a[i * n + j] = a[j * n + i] as number;
  }
  return a;
}

export const logSpaced = (n: number, kappa: number) =>
  Float64Array.from({ length: n }, (_, i) => kappa ** -(i / Math.max(1, n - 1)));

/** (1 / samples) X' X of normal rows: a Fisher matrix, rank deficient when samples < n. */
export function fisher(n: number, samples: number, seed = 3): { g: Float64Array; rows: Float64Array } {
  const rows = normals(seed, samples * n);
  const g = new Float64Array(n * n);
  for (let s = 0; s < samples; ++s) {
    for (let i = 0; i < n; ++i) {
      const x = (rows[s * n + i] as number) / samples;
      for (let j = 0; j < n; ++j) g[i * n + j]! += x * (rows[s * n + j] as number);
    }
  }
  for (let i = 0; i < n; ++i) for (let j = 0; j < i; ++j) g[i * n + j] = g[j * n + i] as number;
  return { g, rows };
}

export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; ++i) sum += (x[i] as number) * (y[i] as number);
  return sum;
}

/** a x for a: n x n. */
export function multiply(a: ArrayLike<number>, x: ArrayLike<number>, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; ++j) sum += (a[i * n + j] as number) * (x[j] as number);
    return sum;
  });
}

export const norm = (x: ArrayLike<number>) => Math.sqrt(dot(x, x));

export const difference = (x: ArrayLike<number>, y: ArrayLike<number>) =>
  Float64Array.from({ length: x.length }, (_, i) => (x[i] as number) - (y[i] as number));

export const largest = (x: ArrayLike<number>) =>
  Array.from(x).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** V - (A + damping I) H, one right-hand side a row, by plain loops. */
export function remainder(
  a: ArrayLike<number>,
  v: ArrayLike<number>,
  h: ArrayLike<number>,
  n: number,
  damping = 0,
): Float64Array {
  const out = new Float64Array(v.length);
  for (let row = 0; row < v.length; row += n) {
    const x = Array.from({ length: n }, (_, j) => h[row + j] as number);
    const ax = multiply(a, x, n);
    for (let i = 0; i < n; ++i) out[row + i] = (v[row + i] as number) - (ax[i] as number) - damping * (x[i] as number);
  }
  return out;
}

export const identity = (n: number) => diagonal(new Float64Array(n).fill(1));

/** The code of what `call` throws; 'none' when it does not. */
export function thrownCode(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as { code?: string }).code ?? 'no code';
  }
  return 'none';
}
