// The layers of several stores, matched by name.
import { GradsiftError, show } from '../errors.js';
import { findLayer, shapeOf } from '../gradients/find-layer.js';
import type { GradientStore, LayerInfo } from '../gradients/store.js';
import type { Curvature, LayerCurvature } from './curvature.js';

/** One layer in the stores of a job. */
export interface MatchedLayer {
  readonly train: LayerInfo;
  readonly val: LayerInfo;
  readonly fit: LayerInfo;
  readonly curvature: LayerCurvature | null;
}

/** The layer's curvature. @throws GRADSIFT_SHAPE naming layer and both shapes */
export function findCurvature(curvature: Curvature, layer: LayerInfo, origin: string): LayerCurvature {
  const found = curvature.layers.find(({ name }) => name === layer.name);
  if (found?.r !== layer.r || found.d !== layer.d) {
    const got = found ? shapeOf(found) : 'none';
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `curvature: layer ${show(layer.name)}: expected one of ${shapeOf(layer)} gradients as in ${origin}, got ${got}`,
    );
  }
  return found;
}

/** The layers of `train`, each found in every other store. */
export function matchLayers(
  train: GradientStore,
  val: GradientStore,
  fitOn: GradientStore | undefined,
  curvature: Curvature | undefined,
): MatchedLayer[] {
  return train.layers.map((layer) => ({
    train: layer,
    val: findLayer(val, layer, train.source),
    fit: fitOn === undefined ? layer : findLayer(fitOn, layer, train.source),
    curvature: curvature === undefined ? null : findCurvature(curvature, layer, train.source),
  }));
}
