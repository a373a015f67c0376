// A text embedding as safetensors: V as F32, weights and singular values as F64.
import { GradsiftError, show } from '../errors.js';
import { readSafetensors, type SafetensorsFile } from '../gradients/read-safetensors.js';
import { writeSafetensors, type Tensor } from '../gradients/write-safetensors.js';
import type { LsaModel } from './lsa.js';
import { requireTextFeatures } from './text-features.js';

const SCHEMA = 'gradsift/lsa/1';

/** Writes a model, replacing the file as a whole. @throws GradsiftError GRADSIFT_IO */
export async function saveLsa(path: string, model: LsaModel, signal?: AbortSignal): Promise<void> {
  const { tensors, metadata } = lsaTensors(model);
  await writeSafetensors(path, tensors, metadata, signal);
}

/**
 * Reads what {@link saveLsa} wrote.
 * @throws GradsiftError GRADSIFT_FORMAT for another file, GRADSIFT_NON_FINITE for a damaged one, GRADSIFT_IO
 */
export async function loadLsa(path: string, signal?: AbortSignal): Promise<LsaModel> {
  const model = lsaOf(path, await readSafetensors(path, signal));
  if (model !== undefined) return model;
  throw new GradsiftError('GRADSIFT_FORMAT', `${path}: expected a file with the schema ${SCHEMA}`);
}

/** A model as tensors, and metadata, that may lie beside others in one file. */
export function lsaTensors({ weights, projection, singularValues, ...record }: LsaModel) {
  const { features, dimensions } = record;
  const tensors: Record<string, Tensor> = {
    'lsa.weights': { dtype: 'F64', shape: [features], data: weights },
    'lsa.singular-values': { dtype: 'F64', shape: [dimensions], data: singularValues },
    'lsa.projection': { dtype: 'F32', shape: [features, dimensions], data: projection },
  };
  return { tensors, metadata: { lsa: JSON.stringify({ schema: SCHEMA, ...record }) } };
}

/** The model among the tensors of a file; undefined where there is none. @throws as loadLsa */
export function lsaOf(path: string, { metadata, tensors }: SafetensorsFile): LsaModel | undefined {
  const text = metadata.get('lsa');
  if (text === undefined) return undefined;
  const bad = (what: string, cause?: unknown) => new GradsiftError('GRADSIFT_FORMAT', `${path}: ${what}`, { cause });
  let record: Omit<LsaModel, 'weights' | 'projection' | 'singularValues'> & { readonly schema: string };
  try {
    record = JSON.parse(text) as typeof record;
    requireTextFeatures(record);
  } catch (cause) {
    throw bad("the metadata 'lsa' is damaged", cause);
  }
  const { schema, features, dimensions, words, characters, lowercase, seed, texts } = record;
  if (schema !== SCHEMA) throw bad(`expected a text embedding with the schema ${SCHEMA}, got ${show(schema)}`);
  const tensor = <Array>(name: string, dtype: string, shape: readonly number[]): Array => {
    const found = tensors.get(name);
    if (!(found?.dtype === dtype && found.shape.join() === shape.join())) {
      throw bad(`expected a tensor ${name}, ${dtype} [${shape.join(', ')}]`);
    }
    if (!(found.data as Float32Array).every(Number.isFinite)) {
      throw new GradsiftError('GRADSIFT_NON_FINITE', `${path}: NaN or infinity in ${name}`);
    }
    return found.data as Array;
  };
  return {
    ...{ features, words, characters, lowercase, seed, dimensions, texts },
    weights: tensor<Float64Array>('lsa.weights', 'F64', [features]),
    projection: tensor<Float32Array>('lsa.projection', 'F32', [features, dimensions]),
    singularValues: tensor<Float64Array>('lsa.singular-values', 'F64', [dimensions]),
  };
}
