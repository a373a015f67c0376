import type { Tensor, Variable } from '@tensorflow/tfjs';
import { GradsiftError, mismatch, show } from '../errors.js';
import { readSafetensors } from '../gradients/read-safetensors.js';
import { writeSafetensors } from '../gradients/write-safetensors.js';
import { requireTensor } from './ops/inputs.js';
import type { TensorFlow } from './tensorflow.js';

const SCHEMA = 'gradsift/checkpoint/1';

/**
 * Saves float32 tensors by name, with a JSON value beside them (steps done, the state of a random generator, ...), as a
 * safetensors file. The file is replaced as a whole: a run that is killed meanwhile leaves the last one.
 *
 * @param tensors weights, moments of the optimizer: whatever {@link loadCheckpoint} shall bring back
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_DTYPE naming the tensor; GRADSIFT_IO
 */
export async function saveCheckpoint(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  state: unknown = null,
): Promise<void> {
  const json = JSON.stringify(state) as string | undefined;
  if (json === undefined) throw mismatch('GRADSIFT_ARGUMENT', 'state', 'a value that JSON can hold', state);
  const entries = Object.entries(tensors);
  for (const [name, tensor] of entries) requireTensor(name, tensor);
  const stored = await Promise.all(
    entries.map(async ([name, tensor]) => {
      const data = (await tensor.data()) as Float32Array;
      return [name, { dtype: 'F32', shape: tensor.shape, data }] as const;
    }),
  );
  await writeSafetensors(path, Object.fromEntries(stored), { schema: SCHEMA, state: json });
}

/**
 * Puts what {@link saveCheckpoint} saved back into the variables: bit for bit, all of them or none.
 *
 * @param variables the same names and shapes as were saved
 * @returns the state that was saved
 * @throws GradsiftError GRADSIFT_FORMAT when the file is no checkpoint, GRADSIFT_ARGUMENT when its names are not those
 *   of the variables, GRADSIFT_SHAPE or GRADSIFT_DTYPE naming the variable; GRADSIFT_IO
 */
export async function loadCheckpoint(
  tf: TensorFlow,
  path: string,
  variables: Readonly<Record<string, Variable>>,
): Promise<unknown> {
  const { metadata, tensors } = await readSafetensors(path);
  if (metadata.get('schema') !== SCHEMA) {
    const found = metadata.get('schema');
    throw new GradsiftError('GRADSIFT_FORMAT', `${path}: expected a file of ${SCHEMA}, got ${show(found)}`);
  }
  const entries = Object.entries(variables);
  for (const [name, variable] of entries) {
    const stored = tensors.get(name);
    if (stored === undefined) throw missing(path, 'holds no tensor', name);
    requireTensor(name, variable, 'float32', stored.shape);
  }
  const unasked = [...tensors.keys()].find((name) => !Object.hasOwn(variables, name));
  if (unasked !== undefined) throw missing(path, 'no variable given for', unasked);
  const state = parse(path, metadata.get('state'));
  tf.tidy(() => {
    for (const [name, variable] of entries) {
      const { data, shape } = tensors.get(name) as { data: Float32Array; shape: readonly number[] };
      variable.assign(tf.tensor(data, [...shape], 'float32'));
    }
  });
  return state;
}

function missing(path: string, what: string, name: string): GradsiftError {
  return new GradsiftError('GRADSIFT_ARGUMENT', `${path}: ${what} ${show(name)}`);
}

function parse(path: string, json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? '');
  } catch (cause) {
    throw new GradsiftError('GRADSIFT_FORMAT', `${path}: its state is not JSON`, { cause });
  }
}
