// Gradients that are already in memory, as a store.
import { GradsiftError, mismatch, show } from '../errors.js';
import { widenAsync } from '../linalg/widen.js';
import { commonSamples, requireOwn, selectNames, toLayer, type LayerSelection } from './layers.js';
import type { ColumnBlock, GradientStore, LayerInfo, RowBlock, StoredDtype } from './store.js';

/** One layer as an array. */
export interface MemoryLayer {
  /** Row-major [samples, r, d]: numbers, or the bits of F16 or BF16 (then `dtype` says which). Never written to. */
  readonly rows: Float32Array | Float64Array | Uint16Array;
  readonly shape: readonly number[];
  readonly dtype?: StoredDtype | undefined;
}

/** Gradients in memory, by layer name. */
export interface MemoryGradients {
  readonly layers: Readonly<Record<string, MemoryLayer>>;
}

const DTYPES_OF: Readonly<Record<string, readonly StoredDtype[]>> = {
  Float32Array: ['F32'],
  Float64Array: ['F64'],
  Uint16Array: ['F16', 'BF16'],
};

interface OwnLayer {
  readonly info: LayerInfo;
  readonly rows: MemoryLayer['rows'];
}

export function memoryStore(source: string, given: MemoryGradients, selection: LayerSelection): GradientStore {
  const { layers } = given;
  if (!(typeof layers === 'object' && layers !== null)) {
    throw mismatch('GRADSIFT_ARGUMENT', `${source}: layers`, 'an object of { rows, shape }', layers);
  }
  const selected = selectNames(source, Object.keys(layers), selection);
  const own = [...selected].map((name) => ownLayer(source, name, layers[name] as MemoryLayer));
  const infos = own.map(({ info }) => info);
  const samples = commonSamples(source, infos);
  const bytes = own.reduce((sum, { rows }) => sum + rows.byteLength, 0);
  return {
    source,
    samples,
    layers: infos,
    blocks: (layer, { blockSamples, signal }) =>
      memoryRows(requireOwn(source, own, layer, { blockSamples }), blockSamples, signal),
    blockBytes(layer, blockSamples) {
      const { info, rows } = requireOwn(source, own, layer, { blockSamples });
      return isBits(rows) ? Math.min(blockSamples, info.samples) * info.r * info.d * Float32Array.BYTES_PER_ELEMENT : 0;
    },
    columns: (layer, { blockColumns, signal }) =>
      memoryColumns(requireOwn(source, own, layer, { blockColumns }), blockColumns, signal),
    columnBytes(layer, blockColumns) {
      requireOwn(source, own, layer, { blockColumns });
      return 0;
    },
    inputs: () => Promise.resolve([{ path: source, sha256: null, bytes }]),
    close: () => Promise.resolve(),
  };
}

function ownLayer(source: string, name: string, layer: MemoryLayer): OwnLayer {
  const at = `${source}: layer ${show(name)}`;
  // By tag and not instanceof: an array made in another realm (a vm context, a test runner) is as good.
  const kind = ArrayBuffer.isView(layer?.rows) ? layer.rows[Symbol.toStringTag] : '';
  const dtypes = DTYPES_OF[kind];
  if (!dtypes) {
    throw mismatch('GRADSIFT_DTYPE', `${at}: rows`, 'a Float32Array, Float64Array or Uint16Array', layer?.rows);
  }
  const dtype = layer.dtype ?? (dtypes.length === 1 ? dtypes[0] : undefined);
  if (!(dtype !== undefined && dtypes.includes(dtype))) {
    throw mismatch('GRADSIFT_DTYPE', `${at}: dtype`, `${dtypes.join(' or ')} for a ${kind}`, layer.dtype);
  }
  const { shape, rows } = layer;
  if (!(Array.isArray(shape) && shape.every((length) => Number.isSafeInteger(length)))) {
    throw mismatch('GRADSIFT_SHAPE', `${at}: shape`, '[samples, r, d] or [samples, d]', shape);
  }
  const info = toLayer(source, name, dtype, shape);
  const length = info.samples * info.r * info.d;
  if (rows.length !== length) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${at}: expected ${length} numbers for [${shape.join(', ')}], got ${rows.length}`,
    );
  }
  return { info, rows };
}

function isBits(rows: MemoryLayer['rows']): rows is Uint16Array {
  return rows.BYTES_PER_ELEMENT === Uint16Array.BYTES_PER_ELEMENT;
}

async function* memoryRows(
  { info, rows }: OwnLayer,
  blockSamples: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<RowBlock, undefined> {
  const length = info.r * info.d;
  const widened = new Float32Array(isBits(rows) ? Math.min(blockSamples, info.samples) * length : 0);
  for (let start = 0; start < info.samples; start += blockSamples) {
    signal?.throwIfAborted();
    const samples = Math.min(blockSamples, info.samples - start);
    const block = rows.subarray(start * length, (start + samples) * length);
    if (!isBits(block)) {
      yield { start, samples, rows: block };
      continue;
    }
    const target = widened.subarray(0, block.length);
    await widenAsync(block, info.dtype as 'F16' | 'BF16', target, { signal });
    yield { start, samples, rows: target };
  }
}

async function* memoryColumns(
  { info, rows }: OwnLayer,
  blockColumns: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ColumnBlock, undefined> {
  const length = info.r * info.d;
  for (let start = 0; start < length; start += blockColumns) {
    signal?.throwIfAborted();
    yield { start, columns: Math.min(blockColumns, length - start), rows: rows.subarray(start), rowStride: length };
  }
}
