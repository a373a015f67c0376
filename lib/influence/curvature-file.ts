// A curvature as a safetensors file: one F64 tensor a layer, what else it needs to be used in the metadata.
import { GradsiftError, show } from '../errors.js';
import { readSafetensors } from '../gradients/read-safetensors.js';
import { writeSafetensors, type Tensor } from '../gradients/write-safetensors.js';
import { keptSize, type Curvature, type LayerCurvature } from './curvature.js';

const SCHEMA = 'gradsift/curvature/1';

type LayerRecord = Pick<LayerCurvature, 'name' | 'r' | 'd' | 'samples' | 'sumSquares'>;

/** Writes a curvature, replacing the file as a whole. @throws GradsiftError GRADSIFT_IO */
export async function saveCurvature(path: string, curvature: Curvature, signal?: AbortSignal): Promise<void> {
  const { kind, side, fisherScale, gramPrecision, samples } = curvature;
  const records = curvature.layers.map(({ name, r, d, samples: n, sumSquares }) => ({
    name,
    r,
    d,
    samples: n,
    sumSquares,
  }));
  const tensors = curvature.layers.map(({ name, size, matrix }): [string, Tensor] => [
    name,
    { dtype: 'F64', shape: [size, size], data: matrix },
  ]);
  const metadata = {
    schema: SCHEMA,
    curvature: JSON.stringify({ kind, side, fisherScale, gramPrecision, samples, layers: records }),
  };
  await writeSafetensors(path, Object.fromEntries(tensors), metadata, signal);
}

/**
 * Reads what {@link saveCurvature} wrote.
 * @throws GradsiftError GRADSIFT_FORMAT for another file, GRADSIFT_NON_FINITE for a damaged one, GRADSIFT_IO
 */
export async function loadCurvature(path: string, signal?: AbortSignal): Promise<Curvature> {
  const { metadata, tensors } = await readSafetensors(path, signal);
  if (metadata.get('schema') !== SCHEMA) {
    throw new GradsiftError(
      'GRADSIFT_FORMAT',
      `${path}: expected a file with the schema ${SCHEMA}, got ${show(metadata.get('schema'))}`,
    );
  }
  const { layers: records, ...rest } = parseRecord(path, metadata.get('curvature'));
  const layers = records.map((record) => {
    const size = keptSize(rest.side, record.r, record.d);
    const tensor = tensors.get(record.name);
    if (!(tensor?.dtype === 'F64' && tensor.shape.length === 2 && tensor.shape.every((length) => length === size))) {
      throw new GradsiftError(
        'GRADSIFT_FORMAT',
        `${path}: layer ${show(record.name)}: expected an F64 tensor ${size} x ${size}`,
      );
    }
    return { ...record, size, matrix: tensor.data as Float64Array };
  });
  return { ...rest, layers };
}

function parseRecord(path: string, text: string | undefined): Omit<Curvature, 'layers'> & { layers: LayerRecord[] } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? '');
  } catch (cause) {
    throw new GradsiftError('GRADSIFT_FORMAT', `${path}: the metadata 'curvature' is not JSON`, { cause });
  }
  const record = parsed as Partial<Curvature>;
  const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
  const good =
    record.kind === 'gfim' &&
    (record.side === 'columns' || record.side === 'rows') &&
    (record.fisherScale === 'none' || record.fisherScale === '1/r') &&
    (record.gramPrecision === 'f64' || record.gramPrecision === 'f32') &&
    isSize(record.samples) &&
    Array.isArray(record.layers) &&
    (record.layers as LayerRecord[]).every(
      ({ name, r, d, samples, sumSquares }) =>
        typeof name === 'string' && [r, d, samples].every(isSize) && Number.isFinite(sumSquares) && sumSquares >= 0,
    );
  if (!good) throw new GradsiftError('GRADSIFT_FORMAT', `${path}: the metadata 'curvature' is damaged`);
  return parsed as Omit<Curvature, 'layers'> & { layers: LayerRecord[] };
}
