// PyTorch, or another Python library, as a peer: a process that answers each request with the seconds of one run, in
// turns with ours.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from '../timer.mjs';
import { ENVIRONMENT } from './blas.mjs';

// The system's Python too: a library from a distribution package is not seen by another Python on the path.
const python = (modules) =>
  ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', `import ${modules}`]).status === 0);

/** `ask(request)` gives the seconds of one run of a program of this folder; undefined where there is no PyTorch. */
export const torchPeer = (threads, name = 'batched.py') => pythonPeer('torch', threads, name);

/** The same for a program that needs these modules. */
export function pythonPeer(modules, threads, name) {
  const program = fileURLToPath(new URL(name, import.meta.url));
  const interpreter = python(modules);
  if (interpreter === undefined) return undefined;
  const counts = { OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) };
  const env = { ...process.env, ...ENVIRONMENT, ...counts };
  const child = spawn(interpreter, [program, String(threads)], { stdio: ['pipe', 'pipe', 'inherit'], env });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${request}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${program}: no answer to "${request}"`);
      return JSON.parse(value).seconds;
    },
    close: () => child.stdin.end(),
  };
}

/** The median and its 95 % interval, whatever the distribution: order statistics of a binomial with p = 1/2. */
export function interval(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const below = Math.max(0, Math.floor(sorted.length / 2 - 0.98 * Math.sqrt(sorted.length)));
  return [sorted[below], median(sorted), sorted[sorted.length - 1 - below]];
}

const WARM = 3;

/**
 * Medians of our seconds and the peer's, and the ratio of both by rounds: [low, median, high]. Each round is a run of
 * ours after three to warm up, then one of the peer's after three of its own.
 */
export async function takeTurns(ours, peer, request, { seconds = 1, minimum = 9 } = {}) {
  const times = { ours: [], peer: [], ratio: [] };
  const end = performance.now() + seconds * 1e3;
  for (let round = -1; round < minimum || performance.now() < end; ++round) {
    await pause(10); // until the peer's threads have stopped spinning
    for (let i = 0; i < WARM; ++i) ours();
    const start = performance.now();
    ours();
    const mine = (performance.now() - start) / 1e3;
    for (let i = 0; i < WARM; ++i) await peer.ask(request);
    const theirs = await peer.ask(request);
    if (round < 0) continue;
    times.ours.push(mine);
    times.peer.push(theirs);
    times.ratio.push(theirs / mine);
  }
  return { ours: median(times.ours), peer: median(times.peer), ratio: interval(times.ratio) };
}
