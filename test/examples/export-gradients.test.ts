import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';

const UNIT_ROUNDOFF_F32 = 2 ** -24;

type Matrix = number[][];
interface Case {
  readonly images: Matrix;
  readonly labels: number[];
  readonly parameters: Record<string, Matrix>;
  readonly training: boolean;
}

const product = (a: Matrix, x: number[]) =>
  a.map((row) => row.reduce((sum, value, k) => sum + value * (x[k] ?? NaN), 0));
const transposed = (a: Matrix) => (a[0] ?? []).map((_, k) => a.map((row) => row[k] ?? NaN));
const outer = (u: number[], v: number[]) => u.flatMap((left) => v.map((right) => left * right));
const add = (a: number[], b: number[]) => a.map((value, k) => value + (b[k] ?? NaN));

/** Gradients of one sample in float64 by the chain rule, as the store should hold them. */
function oracle({ parameters }: Case, image: number[], label: number): Map<string, number[]> {
  const layers = [0, 1, 2].map((l) => {
    const [weight, a, b] = ['weight', 'lora_A', 'lora_B'].map((name) => parameters[`layers.${l}.${name}`] as Matrix);
    return { weight: weight as Matrix, a: a as Matrix, b: b as Matrix };
  });
  const inputs: number[][] = [];
  let x = image;
  layers.forEach(({ weight, a, b }, l) => {
    inputs.push(x);
    const y = add(product(weight, x), product(b, product(a, x)));
    x = l < 2 ? y.map((value) => Math.max(0, value)) : y;
  });
  const top = Math.max(...x);
  const total = x.reduce((sum, value) => sum + Math.exp(value - top), 0);
  let delta = x.map((value, k) => Math.exp(value - top) / total - (k === label ? 1 : 0));
  const gradients = new Map<string, number[]>();
  for (let l = 2; l >= 0; --l) {
    const { weight, a, b } = layers[l] as (typeof layers)[0];
    const input = inputs[l] as number[];
    const low = product(transposed(b), delta);
    gradients.set(`layers.${l}.lora_A`, outer(low, input));
    gradients.set(`layers.${l}.lora_B`, outer(product(a, input), delta)); // transposed: rank x out
    delta = add(product(transposed(weight), delta), product(transposed(a), low)).map((value, k) =>
      (input[k] as number) > 0 ? value : 0,
    );
  }
  return gradients;
}

// Debian's packages serve its own Python, which need not be the first on the path.
const python = ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', 'import torch']).status === 0);
const name = 'examples/export_gradients.py';
const run = python ? describe : describe.skip;

run(python ? name : `${name} (needs python3 with torch)`, () => {
  let folder: string;
  let given: Case;
  let path: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gradsift-export-'));
    path = join(folder, 'train.safetensors');
    const script = join(__dirname, 'export_gradients_case.py');
    given = JSON.parse(execFileSync(python as string, [script, path], { encoding: 'utf8' })) as Case;
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('writes the layout of digits-lora, and nothing beside it', async () => {
    const reference = await openGradients(join(__dirname, '../data/digits-lora/train.safetensors'));
    const store = await openGradients(path);
    const shape = ({ name: layer, r, d, dtype }: { name: string; r: number; d: number; dtype: string }) => [
      layer,
      r,
      d,
      dtype,
    ];
    const [unused, ...layers] = [...store.layers].sort((a, b) => Number(b.d === 6) - Number(a.d === 6));
    expect(unused).toMatchObject({ name: 'unused_lora_A', samples: 4, r: 4, d: 6 });
    expect(layers.map(shape)).toEqual(reference.layers.map(shape));
    expect(store.samples).toBe(4);
    expect(readFileSync(path).readBigUInt64LE(0) % 8n).toBe(0n);
    expect(readdirSync(folder)).toEqual(['train.safetensors']);
    await Promise.all([store.close(), reference.close()]);
  });

  test('holds each sample its own gradient, without dropout', async () => {
    const store = await openGradients(path);
    for (const layer of store.layers) {
      for await (const { rows } of store.blocks(layer, { blockSamples: 4 })) {
        given.labels.forEach((label, i) => {
          const size = layer.r * layer.d;
          const got = rows.subarray(i * size, (i + 1) * size);
          const expected =
            oracle(given, given.images[i] as number[], label).get(layer.name) ?? new Array<number>(size).fill(0);
          // Chains of at most 2 x (64 + 128 + 128) float32 sums, relative to the largest entry.
          const bound = 2 * (64 + 128 + 128) * UNIT_ROUNDOFF_F32 * Math.max(...expected.map(Math.abs));
          const worst = Math.max(...expected.map((value, k) => Math.abs(value - (got[k] as number))));
          expect({ layer: layer.name, i, ok: worst <= bound }).toEqual({ layer: layer.name, i, ok: true });
        });
      }
    }
    await store.close();
  });

  test('leaves the model as it was', () => {
    expect(given.training).toBe(true);
  });

  test('fits in sixty lines', () => {
    const text = readFileSync(join(__dirname, '../../examples/export_gradients.py'), 'utf8');
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  });
});
