// npm run example:mix: does learning the mixture help? DoGE, DGA and CRISP on the text of the packages in node_modules,
// beside mixtures that nobody learned.
//
//   node examples/mix/main.mjs [report.html] [--quick] [--work FOLDER] [--processes N] [--so-far]
//                              [--results FILE.json] [--markdown FILE.md]
//
// The full run takes about an hour on two cores. It can be stopped at any time (Ctrl-C): the same command goes on where
// it was, to the same numbers. --quick shows the mechanics in two or three minutes and claims nothing. --so-far trains
// nothing: it reports on the seeds that are done.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { wholeNumber } from '../training/run.mjs';
import { answers, preface } from './answers.mjs';
import { SCALES, plan } from './experiments.mjs';
import { readResults, runJobs } from './pool.mjs';
import { progressLine } from './progress.mjs';
import { mixReport } from './report.mjs';
import { collect, commit, fingerprint } from './results.mjs';
import { markdownPage } from './markdown.mjs';
import { tables } from './table.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    scale: { type: 'string' },
    work: { type: 'string' },
    results: { type: 'string' },
    markdown: { type: 'string' },
    'so-far': { type: 'boolean', default: false },
    processes: { type: 'string', default: String(availableParallelism()) },
  },
});
const scale = values.scale ?? (values.quick ? 'quick' : 'full');
if (!Object.hasOwn(SCALES, scale)) {
  console.error(`--scale: expected ${Object.keys(SCALES).join(', ')}, got "${scale}"`);
  process.exit(2);
}
const folder = join(resolve(values.work ?? join(tmpdir(), 'gradsift-mix')), `${scale}-${fingerprint(scale)}`);
mkdirSync(folder, { recursive: true });

/** Of all starts together: how long they took, and the commits they ran. */
function history({ seconds = 0, commits = [] } = {}) {
  const path = join(folder, 'starts.json');
  const before = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { seconds: 0, commits: [] };
  const all = { seconds: before.seconds + seconds, commits: [...new Set([...before.commits, ...commits])] };
  writeFileSync(path, JSON.stringify(all));
  return all;
}

/** Trains what is left. Returns the results, or null when it was stopped. */
async function train(jobs) {
  const processes = wholeNumber('--processes', values.processes);
  console.error(`${jobs.length} jobs, ${processes} at a time; results in ${folder}`);
  const progress = progressLine(jobs, SCALES[scale]);
  const started = performance.now();
  const results = await runJobs(jobs, { scale, folder, processes, onProgress: progress.show });
  progress.stop();
  history({ seconds: (performance.now() - started) / 1e3, commits: [commit()].filter(Boolean) });
  return results;
}

const jobs = plan(SCALES[scale]);
const results = values['so-far'] ? readResults(folder, jobs) : await train(jobs);
const collected = results && collect(scale, jobs, results, history());
if (collected === null) {
  console.error(values['so-far'] ? 'no seed is done yet' : 'stopped; the same command goes on from here');
  process.exit(values['so-far'] ? 1 : 130);
}
if (values.results) writeFileSync(resolve(values.results), `${JSON.stringify(collected)}\n`);
if (values.markdown) writeFileSync(resolve(values.markdown), markdownPage(collected));
const reportPath = resolve(positionals[0] ?? 'mix-report.html');
writeFileSync(reportPath, mixReport(collected));
const says = answers(collected).map(({ question, answers: list }) => [question, ...list].join('\n  '));
console.log([tables(collected), preface(collected), ...says, `Report with plots: ${reportPath}`].join('\n\n'));
