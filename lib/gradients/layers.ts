// What makes a tensor a layer, and a set of layers a store.
import { GradsiftError, mismatch, requireInteger, show } from '../errors.js';
import { matchesGlob } from './name-glob.js';
import type { LayerInfo, StoredDtype } from './store.js';

export const ELEMENT_BYTES: Readonly<Record<StoredDtype, number>> = { F32: 4, F64: 8, F16: 2, BF16: 2 };

/** Which layers of a store to use. */
export interface LayerSelection {
  /** Glob (or several) of the layers to use; all by default. */
  readonly layers?: string | readonly string[] | undefined;
  /** Glob (or several) of the layers to leave out, taken after `layers`. */
  readonly exclude?: string | readonly string[] | undefined;
}

function patterns(name: string, value: LayerSelection['layers']): readonly string[] {
  const list: readonly string[] = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  const valid: boolean = Array.isArray(list) && list.every((glob: unknown) => typeof glob === 'string' && glob !== '');
  if (!valid) throw mismatch('GRADSIFT_ARGUMENT', name, 'a glob on layer names, or several', value);
  return list;
}

/** Names that the globs leave. @throws GRADSIFT_ARGUMENT when they leave none or a glob of `layers` matches nothing */
export function selectNames(source: string, names: readonly string[], selection: LayerSelection): Set<string> {
  if (names.length === 0) throw new GradsiftError('GRADSIFT_FORMAT', `${source}: holds no tensors`);
  const wanted = patterns('layers', selection.layers);
  const unwanted = patterns('exclude', selection.exclude);
  const list = names.slice(0, 8).map(show).join(', ') + (names.length > 8 ? `, ... (${names.length} in all)` : '');
  for (const glob of wanted) {
    if (!names.some((name) => matchesGlob(glob, name))) {
      throw new GradsiftError(
        'GRADSIFT_ARGUMENT',
        `layers: ${show(glob)} matches nothing in ${source}, which has ${list}`,
      );
    }
  }
  const left = names.filter(
    (name) =>
      (wanted.length === 0 || wanted.some((glob) => matchesGlob(glob, name))) &&
      !unwanted.some((glob) => matchesGlob(glob, name)),
  );
  if (left.length === 0) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `exclude: leaves no layer of ${source}, which has ${list}`);
  }
  return new Set(left);
}

/**
 * A tensor as a layer: F32, F64, F16 or BF16; [samples, r, d], or [samples, d] with r = 1; nothing empty.
 * @throws GRADSIFT_DTYPE, GRADSIFT_SHAPE naming source and tensor
 */
export function toLayer(source: string, name: string, dtype: string, shape: readonly number[]): LayerInfo {
  const at = `${source}: tensor ${show(name)}`;
  if (!Object.hasOwn(ELEMENT_BYTES, dtype)) {
    throw new GradsiftError(
      'GRADSIFT_DTYPE',
      `${at}: expected F32, F64, F16 or BF16, got ${show(dtype)} (leave it out with \`exclude\`)`,
    );
  }
  const [samples = 0, ...rest] = shape;
  const [r = 0, d = 0] = rest.length === 1 ? [1, ...rest] : rest;
  if (!((rest.length === 1 || rest.length === 2) && samples > 0 && r > 0 && d > 0)) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${at}: expected a shape [samples, r, d] or [samples, d], none of them 0, got [${shape.join(', ')}]` +
        ' (leave it out with `exclude`)',
    );
  }
  return Object.freeze({ name, samples, r, d, dtype: dtype as StoredDtype });
}

/** The number of samples that all layers have. @throws GRADSIFT_SHAPE naming two layers that differ */
export function commonSamples(source: string, layers: readonly LayerInfo[]): number {
  const first = layers[0] as LayerInfo;
  for (const layer of layers) {
    if (layer.samples !== first.samples) {
      throw new GradsiftError(
        'GRADSIFT_SHAPE',
        `${source}: every layer needs the same number of samples, but ${show(first.name)} has ${first.samples}` +
          ` and ${show(layer.name)} has ${layer.samples}`,
      );
    }
  }
  return first.samples;
}

/** The store's own entry of a layer. @throws GRADSIFT_ARGUMENT for a layer of another store, or a bad size of blocks */
export function requireOwn<Own extends { readonly info: LayerInfo }>(
  source: string,
  own: readonly Own[],
  layer: LayerInfo,
  size: { readonly blockSamples: number } | { readonly blockColumns: number },
): Own {
  for (const [name, value] of Object.entries(size)) requireInteger(name, value, 1);
  const found = own.find(({ info }) => info.name === layer.name);
  const same = found && (['samples', 'r', 'd', 'dtype'] as const).every((key) => found.info[key] === layer[key]);
  if (!same) throw mismatch('GRADSIFT_ARGUMENT', 'layer', `a layer of ${source}`, layer.name);
  return found;
}
