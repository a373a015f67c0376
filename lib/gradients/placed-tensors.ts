// Where the tensors of a store lie: in one safetensors file, in the shards of an index, in .npy files.
import { readdir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { TextDecoder } from 'node:util';
import { GradsiftError, show } from '../errors.js';
import { ioError, type InputFile } from './input-file.js';
import { isRecord, parseJson } from './json.js';
import { readNpyHeader } from './npy.js';
import { MAX_HEADER_BYTES, readSafetensorsHeader } from './safetensors.js';

export interface PlacedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: InputFile;
  /** File offset of its first byte. */
  readonly position: number;
}

/** Opens a file that the caller will close, whatever happens. */
export type Open = (path: string) => Promise<InputFile>;

const INDEX = '.safetensors.index.json';
/** An index is flat; its "metadata" may hold what its writer liked. */
const INDEX_DEPTH = 16;

/** The kinds of path that can be opened, by how they end. */
export function placeTensors(path: string, open: Open): Promise<PlacedTensor[]> | undefined {
  if (path.endsWith(INDEX)) return placeSharded(path, open);
  if (path.endsWith('.safetensors')) return placeSafetensors(path, open);
  if (path.endsWith('.npy')) return placeNpy(path, open);
  return undefined;
}

async function placeSafetensors(path: string, open: Open): Promise<PlacedTensor[]> {
  const file = await open(path);
  const { dataStart, tensors } = await readSafetensorsHeader(file);
  return tensors.map(({ name, dtype, shape, begin }) => ({ name, dtype, shape, file, position: dataStart + begin }));
}

async function placeNpy(path: string, open: Open): Promise<PlacedTensor[]> {
  const file = await open(path);
  const { dtype, shape, dataStart } = await readNpyHeader(file);
  return [{ name: basename(path, '.npy'), dtype, shape, file, position: dataStart }];
}

/** A folder with one index, or .npy files (one a layer), or one .safetensors file. */
export async function placeFolder(path: string, open: Open): Promise<PlacedTensor[]> {
  const names = await readdir(path).catch((error: unknown) => {
    throw ioError(path, 'cannot be listed', error);
  });
  names.sort();
  const indexes = names.filter((name) => name.endsWith(INDEX));
  const arrays = names.filter((name) => name.endsWith('.npy'));
  const whole = indexes.length > 0 ? [] : names.filter((name) => name.endsWith('.safetensors'));
  const stores = [...indexes, ...whole];
  if (arrays.length > 0 ? stores.length > 0 : stores.length !== 1) {
    const found = [...stores, ...arrays].slice(0, 5).map(show).join(', ') || 'none of these';
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `${path}: expected a folder with one *${INDEX}, one .safetensors file, or .npy files; it holds ${found}`,
    );
  }
  const placed = [];
  for (const name of [...stores, ...arrays]) placed.push(...((await placeTensors(join(path, name), open)) ?? []));
  return placed;
}

/** Tensors of the shards that a weight_map { tensor: file } names. Index and shards must agree on who has what. */
async function placeSharded(path: string, open: Open): Promise<PlacedTensor[]> {
  const shardOf = await readWeightMap(path, open);
  const placed: PlacedTensor[] = [];
  for (const shard of [...new Set(shardOf.values())].sort()) {
    const tensors = await placeSafetensors(join(dirname(path), shard), open);
    for (const { name, file } of tensors) {
      if (shardOf.get(name) === shard) continue;
      const said = shardOf.has(name) ? `places it in ${show(shardOf.get(name))}` : 'does not know it';
      throw broken(path, `${file.path} holds tensor ${show(name)}, the index ${said}`);
    }
    placed.push(...tensors);
  }
  const present = new Set(placed.map(({ name }) => name));
  for (const [name, shard] of shardOf) {
    if (!present.has(name)) throw broken(path, `places tensor ${show(name)} in ${show(shard)}, which does not hold it`);
  }
  return placed;
}

async function readWeightMap(path: string, open: Open): Promise<Map<string, string>> {
  const file = await open(path);
  if (!(file.bytes <= MAX_HEADER_BYTES)) {
    throw broken(path, `expected an index of at most ${MAX_HEADER_BYTES} bytes, it has ${file.bytes}`);
  }
  const text = new Uint8Array(file.bytes);
  await file.read(text, 0);
  let index: unknown;
  try {
    index = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(text), INDEX_DEPTH);
  } catch (error) {
    throw broken(path, `not JSON in UTF-8: ${(error as Error).message}`);
  }
  const weightMap = isRecord(index) ? index['weight_map'] : undefined;
  if (!isRecord(weightMap)) throw broken(path, `expected { weight_map: { tensor: file } }, got ${show(weightMap)}`);
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) shardOf.set(name, shardName(path, name, shard));
  return shardOf;
}

/** A shard's path inside the folder of the index: whoever wrote an index must not make us read other files. */
function shardName(path: string, tensor: string, shard: unknown): string {
  const valid =
    typeof shard === 'string' && shard.endsWith('.safetensors') && !isAbsolute(shard) && !/[\\:\0]/.test(shard);
  const clean = valid ? normalize(shard) : '..';
  if (clean.split(sep).includes('..')) {
    const expected = 'the name of a .safetensors file beside the index';
    throw broken(path, `weight_map: tensor ${show(tensor)}: expected ${expected}, got ${show(shard)}`);
  }
  return clean;
}

function broken(path: string, what: string): GradsiftError {
  return new GradsiftError('GRADSIFT_FORMAT', `${path}: ${what}`);
}
