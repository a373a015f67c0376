// Runs jobs of examples/mix straight, and again with a stop after some steps: prints both results; and the page of
// Markdown that follows from the committed ones.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDomains } from '../../examples/mix/domains.mjs';
import { SCALES, plan } from '../../examples/mix/experiments.mjs';
import { markdownPage } from '../../examples/mix/markdown.mjs';
import { runJob, start } from '../../examples/mix/run-job.mjs';

const scale = SCALES.test;
const data = readDomains({ most: scale.windows.train, tested: scale.windows.tested });
const folder = mkdtempSync(join(tmpdir(), 'gradsift-mix-'));
const results = new Map();
const run = async (job, stopped = () => false) => {
  const result = await runJob(job, { scale, data, folder, results, stopped, onProgress: () => undefined });
  return result && { ...result, seconds: undefined };
};

await start();
const report = [];
for (const job of plan(scale).filter(({ id }) => /^(ood-doge-proxy|tiny-clusters|tiny-dga)/.test(id))) {
  const straight = await run(job);
  results.set(job.id, straight);
  if (job.kind === 'clusters') continue;
  let steps = 0;
  const first = await run(job, () => ++steps > 3); // asked before each step
  report.push({ id: job.id, stopped: first === null, straight, resumed: await run(job) });
}
rmSync(folder, { recursive: true });
const committed = JSON.parse(readFileSync(new URL('../../examples/mix/results.json', import.meta.url), 'utf8'));
console.log(JSON.stringify({ report, manifest: data.manifest, page: markdownPage(committed) }));
