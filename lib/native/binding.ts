import { GradsiftError, mismatch } from '../errors.js';
import load from './load.cjs';

/** Called once, on the JavaScript thread, with the status code of an asynchronous call. */
export type Callback = (status: number) => void;

export type FloatArray = Float32Array | Float64Array;

/**
 * One native operation: without a callback it runs now and returns a status code; with one it returns a job id.
 * The arguments after the callback are listed at its `prepare_` function in native/binding/ops/.
 */
export type NativeOperation = (
  threads: number,
  callback: Callback | undefined,
  ...args: readonly (number | boolean | ArrayBufferView)[]
) => number;

/** Names of the native operations, as in native/binding/operations.h. */
export const OPERATIONS = [
  'adamStep',
  'addRowAlignments',
  'addRowGram',
  'addRowsByLabel',
  'addWeightedRows',
  'axisSum',
  'cgSolve',
  'choleskyInverse',
  'choleskySolve',
  'crossEntropy',
  'crossEntropyGradient',
  'eigh',
  'fmaPeak',
  'gelu',
  'geluGradient',
  'gfim',
  'gfimHalf',
  'gfimTileSamples',
  'hyperpowerPlan',
  'hyperpowerSolve',
  'matmul',
  'nearestCentroid',
  'normRows',
  'normRowsGradient',
  'readPeak',
  'rowDots',
  'rowGram',
  'rowNorms',
  'scaledInverse',
  'segmentSum',
  'softmax',
  'softmaxGradient',
  'solveResidual',
  'sparseProduct',
  'stridedCopy',
  'symmetricProduct',
  'textbookInverse',
  'widen',
  'woodburySolve',
  'zip',
] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** A GPU. */
export interface CudaDevice {
  readonly name: string;
  /** Compute capability: '9.0'. */
  readonly capability: string;
  readonly multiprocessors: number;
  readonly memoryBytes: number;
  readonly freeBytes: number;
  /** Why it cannot be used; empty when it can. */
  readonly reason: string;
}

/** What can be had of CUDA, and why not more. */
export interface CudaStatus {
  /** The libgradsift_cuda.so that was opened; null when none could be. */
  readonly library: string | null;
  /** The toolkit and the architectures that the library was built for. */
  readonly builtFor: string | null;
  /** GPUs by number: device 'cuda:0' is the first. */
  readonly devices: readonly CudaDevice[];
  /** Why nothing can run on a GPU; empty when something can. */
  readonly reason: string;
}

/** Everything that crosses into C++. */
export interface NativeBinding extends Record<OperationName, NativeOperation> {
  /** Names of the status codes, by code. */
  readonly statusNames: readonly string[];
  /** Threads that this process may use. */
  readonly hardwareThreads: number;
  /** Instruction sets of this build, best first, and whether this machine has them. */
  readonly instructionSets: Readonly<Record<string, boolean>>;
  /** The instruction set in use. */
  isa(): string;
  /** Uses another instruction set from the next call on (tests do); false when there is none of that name here. */
  selectIsa(name: string): boolean;
  /** The CUDA library, opened at the first question, and the GPUs it sees. */
  cuda(): CudaStatus;
  /** The words of the last failure on a GPU; empty when there was none since it was last asked. */
  cudaError(): string;
  cancel(job: number): void;
  progress(job: number): number;
}

function open(): { binding: NativeBinding; path: string } {
  const { binding, path, tried } = load();
  if (binding === null || path === null) {
    throw new GradsiftError(
      'GRADSIFT_NO_BINDING',
      [
        `no native addon for ${process.platform}-${process.arch} (Node ${process.version}) could be opened. Tried:`,
        ...tried.map((line) => `  ${line}`),
        'What helps:',
        `  in a project that uses gradsift:  npm install @gradsift/${process.platform}-${process.arch}`,
        '  in a clone of the repository:     npm ci   (needs a C++20 compiler, Python and make)',
        '  for a binary somewhere else:      set GRADSIFT_BINDING to its path',
      ].join('\n'),
    );
  }
  requireRequestedIsa(binding as NativeBinding);
  return { binding: binding as NativeBinding, path };
}

/** A forced instruction set that cannot be had is an error: another one would give other bits. */
function requireRequestedIsa(native: NativeBinding): void {
  const requested = process.env['GRADSIFT_ISA'];
  if (!requested || native.isa() === requested) return;
  const usable = Object.entries(native.instructionSets).flatMap(([name, supported]) => (supported ? [name] : []));
  throw mismatch('GRADSIFT_ARGUMENT', 'GRADSIFT_ISA', `one of ${usable.join(', ')} (what this machine has)`, requested);
}

const opened = open();

export const binding: NativeBinding = opened.binding;
/** The file that the native code came from. */
export const bindingPath: string = opened.path;

/** Numerical outcomes of native routines, in words. */
export type StatusName =
  | 'ok'
  | 'stepLimit'
  | 'diverged'
  | 'stagnated'
  | 'notPositiveDefinite'
  | 'nonFinite'
  | 'cancelled'
  | 'outOfMemory'
  | 'deviceFailed';

/** The name of a native status code. */
export function statusName(code: number): StatusName {
  const name = binding.statusNames[code];
  if (name === undefined) throw mismatch('GRADSIFT_NATIVE', 'status', 'a known status code', code);
  return name as StatusName;
}
