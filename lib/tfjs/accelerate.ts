import type { KernelBackend, KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { GradsiftError, mismatch, requireOneOf } from '../errors.js';
import { threadCount } from '../native/calls.js';
import { installAdam, probeAdam } from './adam-optimizer.js';
import { HEAPS, type BackendName, type Heap } from './heap.js';
import type { Kernel, KernelCall, KernelContext } from './kernels/kernel.js';
import { KERNELS } from './kernels/list.js';
import type { TensorFlow } from './tensorflow.js';

/** Options of {@link accelerate}. */
export interface AccelerateOptions {
  /** Whose kernels are replaced. "wasm" needs `import '@tensorflow/tfjs-backend-wasm'`, and is the faster one. */
  readonly backend: BackendName;
  /** Most threads that may work on a kernel, 1..1024; default: all that the process may use. Never changes a result. */
  readonly threads?: number | undefined;
}

/** Native kernels at work inside TensorFlow.js. */
export interface Accelerated {
  /** The backend that they work in. */
  readonly backend: BackendName;
  /** Names of the kernels that were put in. */
  readonly kernels: readonly string[];
  /** Puts the stock kernels back. Once is enough, more does nothing. */
  restore(): void;
}

// The release whose insides we know. Internal fields may change with any other.
const VERSION = '4.22.0';

const FUNCTIONS = [
  'engine',
  'findBackendFactory',
  'getBackend',
  'setBackend',
  'getKernel',
  'registerKernel',
  'unregisterKernel',
  'tensor1d',
  'customGrad',
] as const;

/**
 * Makes TensorFlow.js train at native speed: its matrix products and what else a training step spends its time on run
 * in native code, in place in the backend's memory; kernels that training needs and the backend lacks are added. Stock
 * programs (tf.matMul, tf.layers, model.fit) run unchanged. Sets the backend, as tf.setBackend does.
 *
 * @param tf TensorFlow.js 4.22.0, as `import * as tf from '@tensorflow/tfjs'` gives it
 * @returns a handle whose restore() undoes it (the backend stays set)
 * @throws GradsiftError GRADSIFT_ARGUMENT when this is not the TensorFlow.js we know, or a backend is missing or
 *   already accelerated: it says what was expected and what was found, and nothing has changed
 */
export async function accelerate(tf: TensorFlow, options: AccelerateOptions): Promise<Accelerated> {
  requireOneOf('backend', (options as AccelerateOptions | undefined)?.backend, ['wasm', 'cpu']);
  const { backend, threads } = options;
  if (threads !== undefined) threadCount(threads);
  requireTensorFlow(tf);
  const before = tf.getBackend();
  try {
    await start(tf, backend);
    probe(tf, HEAPS[backend]);
    probeAdam(tf);
  } catch (error) {
    if (before && tf.getBackend() !== before) await tf.setBackend(before);
    throw error;
  }
  requireStock(tf, backend); // another call may have come first while the backend started; nothing waits from here on
  const kernels = KERNELS.filter((kernel) => kernel.backends.includes(backend));
  const restores = [...kernels.map((kernel) => install(tf, HEAPS[backend], threads, kernel)), installAdam(tf)];
  return {
    backend,
    kernels: kernels.map(({ name }) => name),
    restore: () => {
      for (const restore of restores.splice(0)) restore();
    },
  };
}

function requireTensorFlow(tf: TensorFlow): void {
  const found = tf as unknown as Record<string, unknown> | null | undefined;
  for (const name of FUNCTIONS) {
    const actual = found?.[name];
    if (typeof actual !== 'function') throw mismatch('GRADSIFT_ARGUMENT', `tf.${name}`, 'a function', actual);
  }
  if (tf.version_core !== VERSION) throw mismatch('GRADSIFT_ARGUMENT', 'tf.version_core', VERSION, tf.version_core);
}

async function start(tf: TensorFlow, backend: BackendName): Promise<void> {
  if (!tf.findBackendFactory(backend)) {
    const found = 'no backend of that name: import "@tensorflow/tfjs-backend-wasm" first';
    throw new GradsiftError('GRADSIFT_ARGUMENT', `backend: expected "${backend}" to be registered, got ${found}`);
  }
  if (tf.getKernel('BatchMatMul', backend) === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', `tf.getKernel("BatchMatMul", "${backend}")`, 'a kernel', undefined);
  }
  requireStock(tf, backend);
  if (!(await tf.setBackend(backend))) {
    throw mismatch('GRADSIFT_ARGUMENT', `tf.setBackend("${backend}")`, 'true', false);
  }
}

function requireStock(tf: TensorFlow, backend: BackendName): void {
  if (!(OURS in tf.getKernel('BatchMatMul', backend))) return;
  const found = 'one that is: restore() its handle first';
  throw new GradsiftError('GRADSIFT_ARGUMENT', `backend: expected one that is not accelerated yet, got ${found}`);
}

/** Looks for what we use inside the backend, then reads and writes a tensor through it. */
function probe(tf: TensorFlow, heap: Heap): void {
  const engine = tf.engine();
  const backend = engine.backend;
  for (const [path, type] of heap.internals) {
    const steps = path.split('.');
    const actual = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], backend);
    if (typeof actual !== type || actual === null) {
      throw mismatch('GRADSIFT_ARGUMENT', `tf.engine().backend.${path} (${heap.name})`, `a ${type}`, actual);
    }
  }
  const values = [1, -2, 3.5];
  const [input, output] = [tf.tensor1d(values), probeOutput(tf, heap, backend)];
  const found = [...heap.view(backend, input)];
  heap.view(backend, output).set(values);
  const readBack = [...output.dataSync()];
  input.dispose();
  output.dispose();
  for (const [what, actual] of [['read', found] as const, ['written', readBack] as const]) {
    if (actual.join() === values.join()) continue;
    const expected = `[${values.join(', ')}] ${what} through the heap`;
    throw mismatch('GRADSIFT_ARGUMENT', `a tensor of the ${heap.name} backend`, expected, actual.join(', '));
  }
}

function probeOutput(tf: TensorFlow, heap: Heap, backend: KernelBackend) {
  const info = heap.output(backend, [3], 'float32');
  return tf.engine().makeTensorFromTensorInfo(info, backend);
}

/** Marks our kernels, so that a second call, by either flavour of this package, does not take them for stock ones. */
const OURS = Symbol.for('gradsift/tfjs');

/** Puts one kernel in; returns what takes it out again. */
function install(tf: TensorFlow, heap: Heap, threads: number | undefined, kernel: Kernel): () => void {
  const backendName = heap.name;
  const stock: KernelConfig | undefined = tf.getKernel(kernel.name, backendName);
  const context: KernelContext = {
    tf,
    heap,
    threads,
    stock(call) {
      if (stock !== undefined) return callKernel(stock, call);
      const dtypes = Object.entries(call.inputs).map(([name, input]) => `${name}: ${input?.dtype}`);
      throw new GradsiftError('GRADSIFT_DTYPE', `${kernel.name}: expected float32, got ${dtypes.join(', ')}`);
    },
    run: (name, call) => callKernel(tf.getKernel(name, backendName), call) as TensorInfo,
  };
  const config = {
    ...stock,
    [OURS]: true,
    kernelName: kernel.name,
    backendName,
    kernelFunc: (call: Parameters<KernelConfig['kernelFunc']>[0]) => {
      requireAlive(kernel.name, call.inputs);
      return kernel.run(context, call as KernelCall);
    },
  };
  if (stock !== undefined) tf.unregisterKernel(kernel.name, backendName);
  tf.registerKernel(config);
  return () => {
    if (tf.getKernel(kernel.name, backendName) as unknown) tf.unregisterKernel(kernel.name, backendName);
    if (stock !== undefined) tf.registerKernel(stock);
  };
}

/** TensorFlow.js would fail somewhere inside, without a name. */
function requireAlive(kernel: string, inputs: KernelCall['inputs']): void {
  for (const name in inputs) {
    if ((inputs[name] as { readonly isDisposed?: boolean } | undefined)?.isDisposed !== true) continue;
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${kernel}: ${name}: expected a tensor, got one that was disposed`);
  }
}

function callKernel(config: KernelConfig, call: KernelCall) {
  return config.kernelFunc(call);
}
