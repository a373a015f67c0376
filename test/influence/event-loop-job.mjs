// What the rest of a process notices of jobs over short layers. A program of its own, on the built library: inside jest
// the event loop has the test runner's work to do as well. Prints one line of JSON, times in milliseconds.
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { influence, openGradients } from 'gradsift';

const SHAPES = { big: [8, 512], small: [2, 24], middle: [4, 128] };
const METHODS = ['tracin', 'hyperinf', 'datainf', 'datainf-matrix', 'lissa-gfim', 'exact'];
const OBSERVED_MS = 5000;

function store(samples) {
  let state = 1;
  const layer = ([r, d]) => {
    const rows = new Float32Array(samples * r * d);
    for (let i = 0; i < rows.length; ++i) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      rows[i] = state / 2 ** 31;
    }
    return { shape: [samples, r, d], rows };
  };
  return openGradients({ layers: Object.fromEntries(Object.entries(SHAPES).map(([name, s]) => [name, layer(s)])) });
}

async function delayDuring(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return delay.percentile(99) / 1e6;
}

/** Times of small file reads, one after the other, while `work` runs; sorted. */
async function readsDuring(work) {
  const times = [];
  let running = true;
  const reading = (async () => {
    while (running) {
      const asked = performance.now();
      await readFile(fileURLToPath(import.meta.url));
      times.push(performance.now() - asked);
      await sleep(20);
    }
  })();
  await work();
  running = false;
  await reading;
  return times.sort((a, b) => a - b);
}

const [train, val] = [await store(2000), await store(16)];
const jobs = async () => {
  const until = performance.now() + OBSERVED_MS;
  while (performance.now() < until) await influence({ train, val, methods: METHODS });
};
await influence({ train, val, methods: METHODS }); // compiles what the jobs run
const idle = await delayDuring(() => sleep(1000));
let reads = [];
const busy = await delayDuring(async () => (reads = await readsDuring(jobs)));
console.log(JSON.stringify({ idle, busy, read: reads[Math.floor(reads.length * 0.9)] }));
