import { markAsUntransferable } from 'node:worker_threads';
import { GradsiftError, requireInteger } from '../errors.js';
import { binding, statusName, type OperationName, type StatusName } from './binding.js';

/** Options of every native call. */
export interface CallOptions {
  /** Most threads that may work on the call, 1..1024; default: all that the process may use. Never changes a result. */
  readonly threads?: number | undefined;
}

/** Options of every asynchronous native call. */
export interface AsyncCallOptions extends CallOptions {
  /** Rejects with the signal's reason; the native work stops within one tile. */
  readonly signal?: AbortSignal | undefined;
}

type Argument = number | boolean | ArrayBufferView;

/** Outcomes that a caller may see as values; the others are thrown. */
export type Outcome = Exclude<StatusName, 'cancelled' | 'outOfMemory' | 'deviceFailed'>;

/** The number of threads a call uses. */
export function threadCount(threads: number | undefined): number {
  if (threads === undefined) return binding.hardwareThreads;
  requireInteger('threads', threads, 1, 1024);
  return threads;
}

function outcome(operation: OperationName, code: number): Outcome {
  const name = statusName(code);
  if (name === 'outOfMemory') {
    const words = binding.cudaError() || 'the machine has no memory left for scratch space';
    throw new GradsiftError('GRADSIFT_MEMORY', `${operation}: ${words}`);
  }
  if (name === 'deviceFailed') throw new GradsiftError('GRADSIFT_CUDA', `${operation}: ${binding.cudaError()}`);
  if (name === 'cancelled') throw new GradsiftError('GRADSIFT_NATIVE', `${operation}: cancelled without a signal`);
  return name;
}

/** Runs an operation on the calling thread, with idle pool threads helping. Never waits for asynchronous calls. */
export function callSync(operation: OperationName, args: readonly Argument[], options: CallOptions = {}): Outcome {
  return outcome(operation, binding[operation](threadCount(options.threads), undefined, ...args));
}

/**
 * Runs an operation on the pool. Its arrays stay where they are: others must not write to them until the promise
 * settles (wrong numbers, not a crash), and their buffers can no longer be transferred to another thread
 * (Node 22 still lets ArrayBuffer.prototype.transfer detach them: do not). Resizable buffers are refused.
 */
export function callAsync(
  operation: OperationName,
  args: readonly Argument[],
  { signal, threads }: AsyncCallOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    for (const argument of args) if (ArrayBuffer.isView(argument)) pin(argument);
    const onAbort = () => binding.cancel(job);
    const job = binding[operation](
      threadCount(threads),
      (code) => {
        signal?.removeEventListener('abort', onAbort);
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        try {
          resolve(outcome(operation, code));
        } catch (error) {
          reject(error);
        }
      },
      ...args,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

// A pool thread holds a raw pointer into the buffer: transferring or shrinking it would free memory under its feet.
function pin(view: ArrayBufferView): void {
  const buffer = view.buffer as ArrayBuffer & { resizable?: boolean };
  if (Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]') return;
  if (buffer.resizable) {
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      'array: expected one on a buffer of fixed size for an asynchronous call, got one on a resizable ArrayBuffer',
    );
  }
  markAsUntransferable(buffer);
}
