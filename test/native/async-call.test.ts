import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { matmul, matmulAsync } from '../../lib/linalg/matmul.js';
import { binding, bindingPath, OPERATIONS } from '../../lib/native/binding.js';

const run = promisify(execFile);

/** Work for hours in little memory: every product of the batch writes to the same place of `out`. */
function endless(signal: AbortSignal, threads?: number): Promise<unknown> {
  const n = 512;
  const a = new Float32Array(n * n).fill(1);
  const out = new Float32Array(n * n);
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => binding.cancel(job), { once: true });
    // Past the TypeScript door on purpose: it refuses a batch whose results overlap.
    const job = binding.matmul(
      threads ?? binding.hardwareThreads,
      (code) => (binding.statusNames[code] === 'cancelled' ? reject(signal.reason as Error) : resolve(code)),
      ...[a, a, out, 1e7, n, n, n, 1, 0, false, false, n, n, n, 0, 0, 0],
    );
  });
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error as { code?: string }).code,
  );

describe('asynchronous calls', () => {
  test('give the bits of the synchronous call', async () => {
    const a = Float64Array.from({ length: 63 * 65 }, (_, i) => Math.sin(i));
    const b = Float64Array.from({ length: 65 * 31 }, (_, i) => Math.cos(i));
    const sizes = { m: 63, k: 65, n: 31 };
    expect(await matmulAsync(a, b, sizes)).toEqual(matmul(a, b, sizes));
  });

  test('many at once, each with its own result', async () => {
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => matmulAsync(Float32Array.of(i), Float32Array.of(2), { m: 1, k: 1, n: 1 })),
    );
    expect(results.map(([value]) => value)).toEqual(Array.from({ length: 200 }, (_, i) => 2 * i));
  });

  test('reject with the reason of the signal, before and during the work', async () => {
    const reason = new Error('enough');
    const one = Float32Array.of(1);
    const aborted = matmulAsync(one, one, { m: 1, k: 1, n: 1, signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
    const controller = new AbortController();
    const running = endless(controller.signal);
    setTimeout(() => controller.abort(reason), 20);
    await expect(running).rejects.toBe(reason);
  });

  test('a synchronous call returns while asynchronous ones keep every thread busy', async () => {
    const controller = new AbortController();
    const jobs = Array.from({ length: binding.hardwareThreads + 1 }, () => endless(controller.signal));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const n = 200;
    const a = new Float64Array(n * n).fill(1);
    const product = matmul(a, a, { m: n, n, k: n }); // would never return behind the jobs
    expect(product[0]).toBe(n);
    controller.abort(new Error('stop'));
    const outcomes = await Promise.allSettled(jobs);
    expect(outcomes.map(({ status }) => status)).toEqual(jobs.map(() => 'rejected'));
  });

  test('read shared memory, refuse resizable buffers, keep their buffers from being transferred', async () => {
    const sizes = { m: 1, k: 2, n: 1 };
    const shared: Float32Array = new Float32Array(new SharedArrayBuffer(8));
    shared.set([3, 4]);
    expect(await matmulAsync(shared, shared, sizes)).toEqual(Float32Array.of(25));

    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
    const resizable: Float32Array = new Float32Array(new Resizable(8, { maxByteLength: 16 }));
    expect(await code(matmulAsync(resizable, shared, sizes))).toBe('GRADSIFT_ARGUMENT');
    expect(matmul(resizable, shared, sizes)).toEqual(Float32Array.of(0)); // nothing can shrink it during a sync call

    const plain = Float32Array.of(1, 2);
    const pending = matmulAsync(plain, plain, sizes);
    try {
      structuredClone(plain, { transfer: [plain.buffer] }); // ignored on Node 20, DataCloneError from 22
    } catch (error) {
      expect((error as Error).name).toBe('DataCloneError');
    }
    expect(plain.length).toBe(2);
    expect(await pending).toEqual(Float32Array.of(5));
  });

  test('a detached array is refused by both calls', async () => {
    const gone = new Float32Array(4);
    structuredClone(gone, { transfer: [gone.buffer] });
    const sizes = { m: 2, k: 2, n: 2 };
    expect(await code(matmulAsync(gone, new Float32Array(4), sizes))).toBe('GRADSIFT_SHAPE');
    expect(await code((async () => matmul(gone, new Float32Array(4), sizes))())).toBe('GRADSIFT_SHAPE');
  });

  test('worker.terminate() with calls in flight leaves the process alive', async () => {
    // A process of its own: the failure is an abort or a segmentation fault, and the main thread must not have opened
    // the addon, so that the last environment to close it is a worker.
    const program = join(__dirname, 'terminate-worker.mjs');
    const { stdout } = await run(process.execPath, [program], {
      env: { ...process.env, GRADSIFT_BINDING: bindingPath },
    });
    expect(stdout.trim()).toBe('20 workers terminated');
  });
});

describe('the second door', () => {
  test('every operation of the addon is named in binding.ts, and the other way round', () => {
    const known = ['statusNames', 'hardwareThreads', 'instructionSets', 'isa', 'selectIsa'].concat(
      'cuda',
      'cudaError',
      'cancel',
      'progress',
    );
    const exported = Object.keys(binding).filter((name) => !known.includes(name));
    expect(exported.sort()).toEqual([...OPERATIONS].sort());
  });

  test('wrong types, short arrays and sizes that overflow are errors, not crashes', () => {
    const a = new Float32Array(4);
    const call = (...args: (number | boolean | ArrayBufferView)[]) => {
      try {
        return binding.matmul(1, undefined, ...args);
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const rest = [1, 0, false, false, 2, 2, 2, 4, 4, 4];
    expect(call(a, a, new Float32Array(4), 1, 2, 2, 2, ...rest)).toBe(0);
    expect(call()).toBe('GRADSIFT_NATIVE');
    expect(call(a, new Float64Array(4), a, 1, 2, 2, 2, ...rest)).toBe('GRADSIFT_NATIVE');
    expect(call(a, a, a, 1, 2, 2, NaN, ...rest)).toBe('GRADSIFT_NATIVE');
    expect(call(a, a, a, 1, -1, 2, 2, ...rest)).toBe('GRADSIFT_NATIVE');
    expect(call(a, a, new Float32Array(3), 1, 2, 2, 2, ...rest)).toBe('GRADSIFT_NATIVE');
    expect(call(a, a, a, 2 ** 52, 2, 2, 2, 1, 0, false, false, 2, 2, 2, 2 ** 52, 4, 4)).toBe('GRADSIFT_NATIVE');
    expect(call(new Uint8Array(16), a, a, 1, 2, 2, 2, ...rest)).toBe('GRADSIFT_NATIVE');
  });
});
