// While a job of some seconds runs: delay of the event loop, time of a small fs.readFile, and peak memory over budget.
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { influence, openGradients } from 'gradsift';
import { writeStore } from './stores.mjs';

const MEMORY_BYTES = 512 * 2 ** 20;

/** Runs the job; returns its seconds and what the rest of the process saw meanwhile. */
async function observe(job) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const reads = [];
  let running = true;
  delay.enable();
  const start = performance.now();
  const readers = (async () => {
    while (running) {
      const before = performance.now();
      await readFile(fileURLToPath(import.meta.url));
      reads.push(performance.now() - before);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await job();
  running = false;
  const seconds = (performance.now() - start) / 1e3;
  await readers;
  delay.disable();
  reads.sort((a, b) => a - b);
  return {
    seconds,
    // The timer of the monitor itself comes every millisecond: its period is no delay.
    delayMs: Math.max(0, delay.percentile(99) / 1e6 - 1),
    readMs: reads[Math.floor(0.99 * (reads.length - 1))],
  };
}

export default {
  op: 'responsiveness',
  async run({ threads }) {
    const folder = mkdtempSync(join(tmpdir(), 'gradsift-bench-'));
    try {
      const shape = { layers: 16, r: 16, d: 1024 };
      const path = (name) => join(folder, `${name}.safetensors`);
      writeStore(path('train'), { samples: 4096, ...shape }); // 4 GiB
      writeStore(path('val'), { samples: 64, ...shape });
      const count = threads.at(-1);
      const seen = await observe(async () => {
        const [train, val] = await Promise.all([openGradients(path('train')), openGradients(path('val'))]);
        await influence({ train, val, methods: ['hyperinf'], memoryBytes: MEMORY_BYTES, threads: count });
        await Promise.all([train.close(), val.close()]);
      });
      const peakBytes = process.resourceUsage().maxRSS * 1024;
      const row = (what, unit, value) => ({ case: `4 GiB store, ${what}`, threads: count, unit, value });
      return [
        row('hyperinf from a file, whole job', 's', seen.seconds),
        row('event-loop delay, 99th percentile', 'ms', seen.delayMs),
        row('fs.readFile, 99th percentile', 'ms', seen.readMs),
        row(`peak memory over a budget of ${MEMORY_BYTES >> 20} MiB`, 'MB', (peakBytes - MEMORY_BYTES) / 1e6),
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
