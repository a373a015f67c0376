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
  'ok' | 'stepLimit' | 'diverged' | 'stagnated' | 'notPositiveDefinite' | 'nonFinite' | 'cancelled' | 'outOfMemory';

/** The name of a native status code. */
export function statusName(code: number): StatusName {
  const name = binding.statusNames[code];
  if (name === undefined) throw mismatch('GRADSIFT_NATIVE', 'status', 'a known status code', code);
  return name as StatusName;
}
