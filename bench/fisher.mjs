// Fisher matrices for benchmarks: G = (1/samples) X' X of normal rows, with right-hand sides, the same on every run.
import { gfim, openGradients, fit } from 'gradsift';
import { fileURLToPath } from 'node:url';

export function normals(seed, length) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float64Array.from({ length }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/** { g, v, rows, count, scale }: g of order n, v of `rhs` rows. */
export function fisher({ n, samples, rhs }) {
  const rows = normals(7, samples * n);
  const g = gfim(rows, { samples, r: 1, d: n });
  return { n, rhs, g, v: normals(8, rhs * n), rows, count: samples, scale: 1 / samples };
}

/** The layers of test/data/digits-lora: { name, n, rhs, g, v, damping } with the authors' lambda and mean gradient. */
export async function digitsLayers() {
  const path = (name) => fileURLToPath(new URL(`../test/data/digits-lora/${name}.safetensors`, import.meta.url));
  const train = await openGradients(path('train'));
  const validation = await openGradients(path('val'));
  const { layers } = await fit(train);
  const systems = [];
  for (const { name, r, d, matrix, samples, sumSquares } of layers) {
    const layer = validation.layers.find((candidate) => candidate.name === name);
    const v = new Float64Array(r * d);
    for await (const block of validation.blocks(layer, { blockSamples: layer.samples })) {
      block.rows.forEach((value, i) => (v[i % v.length] += value / layer.samples));
    }
    systems.push({ name, n: d, rhs: r, g: matrix, v, damping: sumSquares / (10 * samples * r * d) });
  }
  await train.close();
  await validation.close();
  return systems;
}

/** g + damping I in float32. */
export function damped32({ g, n }, damping) {
  const a = Float32Array.from(g);
  for (let i = 0; i < n; ++i) a[i * (n + 1)] = g[i * (n + 1)] + damping;
  return a;
}
