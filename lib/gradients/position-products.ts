// Inner products between the positions of one sample, or of two, in one of the two factors of a gradient.
import { matmul } from '../linalg/matmul.js';
import { isIndexed, type FactoredLayer, type FactoredTerm } from './factored.js';

export type FactorSide = 'left' | 'right';

/** Length of a row of a factor. */
export function factorLength({ r, d }: Pick<FactoredLayer, 'r' | 'd'>, side: FactorSide): number {
  return side === 'left' ? r : d;
}

/**
 * K[i, t, s] = <x[i, t], y[i, s]> for x and y that hold the same samples, [samples, positions of x, positions of y]. An
 * index stands for a unit vector.
 */
export function positionProducts(
  x: FactoredTerm,
  y: FactoredTerm,
  side: FactorSide,
  length: number,
  samples: number,
  threads?: number,
): Float32Array {
  const [m, n] = [x.positions, y.positions];
  const [xIndexed, yIndexed] = [side === 'left' && isIndexed(x), side === 'left' && isIndexed(y)];
  const [a, b] = [x[side], y[side]];
  if (!xIndexed && !yIndexed) {
    const options = { m, k: length, n, batch: samples, transposeB: true, threads };
    return matmul(a as Float32Array, b as Float32Array, options);
  }
  const out = new Float32Array(samples * m * n);
  for (let at = 0; at < out.length; ++at) {
    const xRow = Math.floor(at / n);
    const yRow = Math.floor(xRow / m) * n + (at % n);
    if (xIndexed && yIndexed) out[at] = a[xRow] === b[yRow] ? 1 : 0;
    else if (xIndexed) out[at] = b[yRow * length + (a[xRow] as number)] as number;
    else out[at] = a[xRow * length + (b[yRow] as number)] as number;
  }
  return out;
}
