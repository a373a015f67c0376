import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs';
import { mismatch } from '../errors.js';

/** The backends of TensorFlow.js whose memory native code can reach. */
export type BackendName = 'wasm' | 'cpu';

/** The memory of a tensor as the backend holds it: float32 values, int32 values, or one byte for each bool. */
export type TensorView = Float32Array | Int32Array | Uint8Array;

/** Where a backend keeps its tensors. Nothing is copied: a view is the tensor. */
export interface Heap {
  readonly name: BackendName;
  /** What must exist in the backend, by path, for the other two to work: tested when native kernels are put in. */
  readonly internals: readonly (readonly [path: string, type: 'function' | 'object'])[];
  /** The values of a tensor. Stays valid until the next output is made: the heap may grow and move. */
  view(backend: KernelBackend, tensor: TensorInfo): TensorView;
  /** A new tensor, its values yet to be written. */
  output(backend: KernelBackend, shape: readonly number[], dtype: 'float32' | 'int32'): TensorInfo;
}

// What we use of the two backends, beyond what tfjs-core declares.
interface WasmBackend {
  readonly wasm: { readonly HEAPU8: Uint8Array };
  readonly dataIdMap: { get(id: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: string): TensorInfo;
}
interface CpuBackend {
  readonly data: { get(id: object): { readonly values: TensorView } };
  makeTensorInfo(shape: readonly number[], dtype: string, values: TensorView): TensorInfo;
}

const VIEWS: Readonly<Record<string, typeof Float32Array | typeof Int32Array | typeof Uint8Array>> = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
};

/** Elements of a tensor. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

const wasm: Heap = {
  name: 'wasm',
  internals: [
    ['wasm.HEAPU8', 'object'],
    ['dataIdMap.get', 'function'],
    ['makeOutput', 'function'],
  ],
  view(backend, { dataId, shape, dtype }) {
    const { wasm, dataIdMap } = backend as unknown as WasmBackend;
    const { memoryOffset } = dataIdMap.get(dataId);
    const View = VIEWS[dtype] as typeof Float32Array;
    return new View(wasm.HEAPU8.buffer as ArrayBuffer, memoryOffset, sizeOf(shape));
  },
  output: (backend, shape, dtype) => (backend as unknown as WasmBackend).makeOutput([...shape], dtype),
};

const cpu: Heap = {
  name: 'cpu',
  internals: [
    ['data.get', 'function'],
    ['makeTensorInfo', 'function'],
  ],
  view: (backend, { dataId }) => (backend as unknown as CpuBackend).data.get(dataId).values,
  output(backend, shape, dtype) {
    const values = dtype === 'int32' ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
    return (backend as unknown as CpuBackend).makeTensorInfo([...shape], dtype, values);
  },
};

export const HEAPS: Readonly<Record<BackendName, Heap>> = { wasm, cpu };

/** Throws unless the input of a kernel is of the dtype. */
export function requireDtype(kernel: string, name: string, tensor: TensorInfo, dtype: string): void {
  if (tensor.dtype !== dtype) throw mismatch('GRADSIFT_DTYPE', `${kernel}: ${name}`, dtype, tensor.dtype);
}
