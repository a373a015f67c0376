import type { KernelBackend, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs';
import { sizeOf, type Heap, type TensorView } from '../heap.js';
import type { TensorFlow } from '../tensorflow.js';

/** One call of a kernel, as TensorFlow.js makes it. */
export interface KernelCall {
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  readonly attrs?: NamedAttrMap;
  readonly backend: KernelBackend;
}

export type KernelResult = TensorInfo | TensorInfo[];

/** What a kernel works with. */
export interface KernelContext {
  readonly tf: TensorFlow;
  readonly heap: Heap;
  /** Most threads of a native call; undefined: all. */
  readonly threads: number | undefined;
  /** The kernel of that name that was there before, for what ours does not do; throws an error naming it if none. */
  readonly stock: (call: KernelCall) => KernelResult;
  /** Another kernel of the same backend, ours where there is one. */
  readonly run: (name: string, call: KernelCall) => TensorInfo;
}

/** A kernel of TensorFlow.js in native code, or one that the backend lacks. */
export interface Kernel {
  /** As TensorFlow.js names it; ours begin with Gradsift. */
  readonly name: string;
  /** The backends that get it. */
  readonly backends: readonly Heap['name'][];
  run(context: KernelContext, call: KernelCall): KernelResult;
}

export const BOTH = ['wasm', 'cpu'] as const;

/** Whether the input is there and holds float32 values: what our kernels take. */
export function isFloat32(tensor: TensorInfo | undefined): tensor is TensorInfo {
  return tensor?.dtype === 'float32';
}

/**
 * A new float32 output and the values of everything: the inputs are brought to this backend first, then the output is
 * made (the heap may grow, which ends older views), then all are looked at.
 */
export function place(
  context: KernelContext,
  call: KernelCall,
  inputs: readonly TensorInfo[],
  shape: readonly number[],
): { output: TensorInfo; out: Float32Array; values: TensorView[] } {
  const { outputs, outs, values } = placeAll(context, call, inputs, [shape]);
  return { output: outputs[0] as TensorInfo, out: outs[0] as Float32Array, values };
}

/** As {@link place}, with several outputs. */
export function placeAll(
  { heap }: KernelContext,
  { backend }: KernelCall,
  inputs: readonly TensorInfo[],
  shapes: readonly (readonly number[])[],
): { outputs: TensorInfo[]; outs: Float32Array[]; values: TensorView[] } {
  for (const input of inputs) heap.view(backend, input);
  const outputs = shapes.map((shape) => heap.output(backend, shape, 'float32'));
  const values = inputs.map((input) => heap.view(backend, input));
  return { outputs, outs: outputs.map((output) => heap.view(backend, output) as Float32Array), values };
}

/** Rows and columns of a tensor whose last dimension is worked on at a time. */
export function rowsOf({ shape }: TensorInfo): { rows: number; columns: number } {
  const columns = shape.at(-1) ?? 1;
  return { rows: sizeOf(shape.slice(0, -1)), columns };
}

/** Dimensions that an attribute names, counted from the front, in order; negative ones count from the end. */
export function axesOf(axis: number | readonly number[], { shape }: TensorInfo): number[] {
  return [axis]
    .flat()
    .map((value) => (value < 0 ? value + shape.length : value))
    .sort((a, b) => a - b);
}
