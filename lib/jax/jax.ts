import type * as jaxJs from '@jax-js/jax';
import { mismatch } from '../errors.js';

/** The jax-js of the caller, as `import * as jax from '@jax-js/jax'` gives it. We import none ourselves. */
export type Jax = typeof jaxJs;

/** An array of jax-js, or what stands for one while a function is traced. */
export type JaxArray = jaxJs.Array;

/** What we call, by its path in the module. */
const USED = [
  'Array',
  'jit',
  'valueAndGrad',
  'grad',
  'vmap',
  'nn.softmax',
  'numpy.add',
  'numpy.expandDims',
  'numpy.matmul',
  'numpy.matrixTranspose',
  'numpy.mean',
  'numpy.multiply',
  'numpy.sqrt',
  'numpy.square',
  'numpy.subtract',
  'numpy.sum',
  'numpy.take',
  'numpy.tri',
  'numpy.trueDivide',
  'numpy.where',
  'numpy.zeros',
] as const;

const known = new WeakSet<object>();

/**
 * Looks once at what we use of jax-js: that it is there, and that a small program of the kind we run gives what it
 * should.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming what was expected and what was found
 */
export function requireJax(jax: Jax): void {
  if (known.has(jax)) return;
  for (const path of USED) {
    const found = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], jax);
    if (typeof found !== 'function') throw mismatch('GRADSIFT_ARGUMENT', `jax.${path}`, 'a function', found);
  }
  const found = probe(jax).join(', ');
  if (found !== '6, 2, 3') {
    throw mismatch('GRADSIFT_ARGUMENT', 'jax.valueAndGrad with auxiliary values, under jax.jit', '6, 2, 3', found);
  }
  known.add(jax);
}

/** y = 2 x + shift with x = 1, shift = 1: the gradient 2 y of y^2 in the shift, and auxiliary values 2 x and y. */
function probe(jax: Jax): number[] {
  const { numpy } = jax;
  const program = jax.jit((x: JaxArray) => {
    const square = (shift: JaxArray): [JaxArray, JaxArray[]] => {
      const double = numpy.multiply(x, 2);
      const y = numpy.add(double.ref, shift);
      return [numpy.sum(numpy.square(y.ref)), [double, y]];
    };
    const [[value, kept], gradient] = jax.valueAndGrad(square, { hasAux: true })(numpy.array([1]));
    value.dispose();
    return [gradient, ...kept.map((array) => settled(array))];
  });
  const out = program(numpy.array([1])).map((array) => array.item());
  program.dispose();
  return out;
}

/**
 * An auxiliary value of a gradient, as an array of the function around it. jax-js 0.1.25 returns it a level of tracing
 * too high, where jit cannot take it; any operation brings it down, and this one is simplified away.
 */
export function settled(array: JaxArray): JaxArray {
  return array.mul(1);
}
