// Starts and terminates workers while their native calls run; see async-call.test.ts.
import { parentPort, Worker, isMainThread } from 'node:worker_threads';
import { createRequire } from 'node:module';

const WORKERS = 20;

if (isMainThread) {
  for (let i = 0; i < WORKERS; ++i) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
  console.log(`${WORKERS} workers terminated`);
} else {
  const binding = createRequire(import.meta.url)(process.env.GRADSIFT_BINDING);
  const n = 512;
  for (let i = 0; i < 6; ++i) {
    const a = new Float64Array(n * n);
    binding.matmul(2, () => undefined, a, a, new Float64Array(n * n), 1, n, n, n, 1, 0, false, false, n, n, n, 0, 0, 0);
  }
  parentPort.postMessage('started');
}
