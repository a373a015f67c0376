import { GradsiftError, show } from '../errors.js';
import type { GradientStore, LayerInfo } from './store.js';

/** Sizes for a message. */
export const shapeOf = ({ r, d }: { r: number; d: number }) => `${r} x ${d}`;

/**
 * The layer of the store that has the name and shape of a layer elsewhere.
 * @param origin for messages: where `layer` is from
 * @throws GRADSIFT_SHAPE naming store, layer and both shapes
 */
export function findLayer(store: GradientStore, layer: LayerInfo, origin: string): LayerInfo {
  const found = store.layers.find(({ name }) => name === layer.name);
  if (found === undefined) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${store.source}: has no layer ${show(layer.name)}, which ${origin} has (leave it out with \`exclude\`)`,
    );
  }
  if (found.r !== layer.r || found.d !== layer.d) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${store.source}: layer ${show(layer.name)}: expected ${shapeOf(layer)} for each sample as in ${origin}, ` +
        `got ${shapeOf(found)}`,
    );
  }
  return found;
}
