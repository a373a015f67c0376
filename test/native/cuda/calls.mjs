// Every call that takes a device, on the CPU and on the GPU that GRADSIFT_CUDA_LIB shows. Prints one line.
import {
  backend,
  choleskySolve,
  gfim,
  hyperpowerInverse,
  hyperpowerSolve,
  matmul,
  matmulAsync,
  rowDots,
  symmetricProduct,
} from 'gradsift';

let state = 1;
function random(length, Type = Float32Array) {
  return Type.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function spd(n, Type) {
  const g = random(n * n, Float64Array);
  const a = gfim(g, { samples: 1, r: n, d: n });
  return Type.from(a, (x, i) => x / n + (i % (n + 1) === 0 ? 0.5 : 0));
}

/** The largest difference, relative to the largest number. */
function difference(a, b) {
  const size = Math.max(...a.map(Math.abs), 1e-30);
  return a.length === b.length ? Math.max(...a.map((x, i) => Math.abs(x - b[i])), 0) / size : Infinity;
}

const problems = [];
function agree(name, call, bound) {
  const cpu = call('cpu');
  const cuda = call('cuda');
  const apart = difference(cpu.values, cuda.values);
  if (!(apart <= bound)) problems.push(`${name}: ${apart}`);
  for (const { status, residual } of [...(cpu.certificates ?? []), ...(cuda.certificates ?? [])]) {
    if (status !== 'ok' || !(residual <= cpu.tolerance)) problems.push(`${name}: ${status} ${residual}`);
  }
}

const a = random(40 * 30);
const b = random(30 * 20);
const sizes = { m: 40, k: 30, n: 20 };
agree('matmul', (device) => ({ values: matmul(a, b, { ...sizes, device }) }), 1e-6);
const transposed = { m: 30, k: 40, n: 30, transposeA: true, device: 'cuda' };
agree('matmul, transposed', (device) => ({ values: matmul(a, a, { ...transposed, device }) }), 1e-6);
agree(
  'matmul f64',
  (device) => ({ values: matmul(...[a, b].map((x) => Float64Array.from(x)), { ...sizes, device }) }),
  1e-14,
);
agree(
  'symmetricProduct',
  (device) => {
    const s = Float32Array.from({ length: 25 * 25 }, (_, i) => 1 / (1 + (i % 25) + Math.floor(i / 25)));
    return { values: symmetricProduct(s, s, { n: 25, gamma: 0.5, device }) };
  },
  1e-6,
);
for (const side of ['columns', 'rows']) {
  for (const gramPrecision of ['f64', 'f32']) {
    const options = { samples: 20, r: 4, d: 15, side, gramPrecision };
    agree(`gfim ${side} ${gramPrecision}`, (device) => ({ values: gfim(a, { ...options, device }) }), 1e-6);
  }
}
const bits = Uint16Array.from(random(20 * 60), (x) => new Uint16Array(Float32Array.of(x).buffer)[1]);
agree(
  'gfim bf16',
  (device) => {
    return { values: gfim(bits, { samples: 20, r: 4, d: 15, dtype: 'BF16', gramPrecision: 'bf16', device }) };
  },
  1e-6,
);
const h = random(3 * 30, Float64Array);
agree('rowDots', (device) => ({ values: rowDots(a, h, { count: 40, length: 30, queries: 3, device }) }), 1e-13);
agree(
  'rowDots bf16',
  (device) => ({ values: rowDots(bits, h, { count: 40, length: 28, rowStride: 30, dtype: 'BF16', device }) }),
  1e-13,
);
for (const Type of [Float32Array, Float64Array]) {
  const matrix = spd(24, Type);
  const v = random(5 * 24, Type);
  const tolerance = Type === Float32Array ? 1e-5 : 1e-10;
  const options = { n: 24, rhs: 5, damping: 0.1, tolerance };
  const bound = 100 * tolerance;
  agree(
    'choleskySolve',
    (device) => {
      const result = choleskySolve(matrix, v, { ...options, device });
      return { values: result.solution, tolerance, ...result };
    },
    bound,
  );
  agree(
    'hyperpowerSolve',
    (device) => {
      const result = hyperpowerSolve(matrix, v, { ...options, precision: 'mixed', device });
      return { values: result.solution, tolerance, ...result };
    },
    bound,
  );
  if (Type === Float64Array) continue;
  agree(
    'hyperpowerInverse',
    (device) => {
      const result = hyperpowerInverse(matrix, { n: 24, damping: 0.1, device });
      return { values: result.inverse, tolerance: 1e-4, ...result };
    },
    1e-3,
  );
}
{
  const matrix = spd(150, Float64Array);
  const v = random(3 * 150, Float64Array);
  for (const precision of ['f64', 'mixed']) {
    agree(
      `hyperpowerSolve ${precision}, large`,
      (device) => {
        const result = hyperpowerSolve(matrix, v, { n: 150, rhs: 3, damping: 0.1, precision, device });
        return { values: result.solution, tolerance: 1e-10, ...result };
      },
      1e-8,
    );
  }
}
const later = await matmulAsync(a, b, { ...sizes, device: 'cuda' });
if (difference(later, matmul(a, b, { ...sizes, device: 'cuda' })) !== 0) problems.push('matmulAsync');
const stopped = await matmulAsync(a, b, {
  ...sizes,
  device: 'cuda',
  signal: AbortSignal.abort(new Error('stop')),
}).then(
  () => 'none',
  (error) => error.message,
);
if (stopped !== 'stop') problems.push(`abort: ${stopped}`);
if (backend().cuda.devices.length !== 1) problems.push('backend() shows no device');
console.log(problems.length === 0 ? 'all calls agree' : problems.join('\n'));
