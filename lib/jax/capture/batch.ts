// What is asked of a model and a batch before anything is traced.
import { GradsiftError, mismatch, show } from '../../errors.js';
import type { CaptureOptions } from '../../gradients/captured-gradients.js';
import { selectNames } from '../../gradients/layers.js';
import { requireJax, type Jax, type JaxArray } from '../jax.js';
import type { Batch, Model } from '../model.js';

/** A live array of one of the types. @throws GRADSIFT_ARGUMENT or GRADSIFT_DTYPE naming it */
function requireArray(jax: Jax, name: string, array: JaxArray | undefined, dtypes: readonly string[]): void {
  if (!(array instanceof jax.Array)) throw mismatch('GRADSIFT_ARGUMENT', name, 'an array of jax-js', array);
  if (!(array.refCount > 0)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: expected an array of jax-js, got one that was disposed`);
  }
  if (!dtypes.includes(array.dtype)) throw mismatch('GRADSIFT_DTYPE', name, dtypes.join(' or '), array.dtype);
}

/** Samples in a batch. @throws GRADSIFT_ARGUMENT, GRADSIFT_DTYPE or GRADSIFT_SHAPE naming model or array */
export function requireBatch(model: Model, batch: Batch): number {
  const given = model as Partial<Model> | undefined;
  if (!(typeof given?.jax === 'object' && given.jax !== null)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'model.jax', "the module '@jax-js/jax'", given?.jax);
  }
  const { jax } = given;
  requireJax(jax);
  const [samples, targets] = (['inputs', 'targets'] as const).map((name) => {
    const array = (batch as Partial<Batch> | undefined)?.[name];
    requireArray(jax, `batch.${name}`, array, ['float32', 'int32', 'uint32', 'bool']);
    const { shape } = array as JaxArray;
    if (!((shape[0] ?? 0) > 0)) {
      throw mismatch('GRADSIFT_SHAPE', `batch.${name}`, 'samples in the first dimension', `[${shape.join(', ')}]`);
    }
    return shape[0] as number;
  }) as [number, number];
  if (samples !== targets) throw mismatch('GRADSIFT_SHAPE', 'batch.targets', `${samples} samples, as inputs`, targets);
  return samples;
}

/** The samples of a batch, and the names of the weights asked for. @throws GradsiftError, naming what is wrong */
export function requireModel(
  model: Model,
  batch: Batch,
  options: CaptureOptions,
): { readonly samples: number; readonly names: ReadonlySet<string> } {
  const samples = requireBatch(model, batch);
  const { weights, losses } = model as Partial<Model>;
  if (typeof losses !== 'function') throw mismatch('GRADSIFT_ARGUMENT', 'model.losses', 'a function', losses);
  if (!(typeof weights === 'object' && weights !== null)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'model.weights', 'arrays by name', weights);
  }
  const names = selectNames('model', Object.keys(weights), options);
  for (const [name, array] of Object.entries(weights)) {
    const dtypes = names.has(name) ? ['float32'] : ['float32', 'float16', 'float64', 'int32', 'uint32', 'bool'];
    requireArray(model.jax, `model: weight ${show(name)}`, array, dtypes);
  }
  return { samples, names };
}
