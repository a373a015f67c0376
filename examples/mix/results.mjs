// What came of all jobs, as one JSON file: the tables and the report are made from it alone.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { backend } from 'gradsift';
import { root } from '../training/text.mjs';
import { readDomains } from './domains.mjs';
import { EXPERIMENTS, SCALES, plan } from './experiments.mjs';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Results with the same one may be mixed, whatever seeds: same jobs, text, program and instruction set. */
export function fingerprint(scale) {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const settings = { ...SCALES[scale], seeds: [0] };
  const parts = [settings, plan(settings), lock, version, backend().isa];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8);
}

/** The commit that is checked out, where there is one. */
export function commit() {
  try {
    const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
    const changes = git('status', '--porcelain', 'lib', 'native', 'examples') && ' + changes';
    return `${git('rev-parse', '--short', 'HEAD')}${changes}`;
  } catch {
    return null; // no repository here
  }
}

/** Six digits are more than a figure shows. */
const short = (value) =>
  typeof value === 'number'
    ? Number(value.toPrecision(6))
    : Array.isArray(value)
      ? value.map(short)
      : value && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, short(item)]))
        : value;

/** Weights over time are drawn of the first seed alone. */
const withoutHistory = (result) => ({ ...result, history: [] });

/** The results of the seeds of which every job is done; null when there is none. */
export function collect(scale, jobs, results, { seconds, commits }) {
  const { windows } = SCALES[scale];
  const whole = SCALES[scale].seeds.filter((seed) => jobs.every((job) => job.seed !== seed || results.has(job.id)));
  const done = jobs.filter(({ seed }) => whole.includes(seed));
  if (done.length === 0) return null;
  return {
    ...{ schema: 'gradsift/mix-results/1', version, scale, settings: SCALES[scale], commits },
    date: new Date().toISOString().slice(0, 10),
    machine: {
      ...{ cpu: cpus()[0]?.model ?? arch(), cores: cpus().length, memory: Math.round(totalmem() / 2 ** 30) },
      ...{ platform: platform(), node: process.version, isa: backend().isa },
    },
    seconds: {
      wall: Math.round(seconds),
      jobs: Math.round(done.reduce((sum, { id }) => sum + results.get(id).seconds, 0)),
    },
    manifest: readDomains({ most: windows.train, tested: windows.tested }).manifest,
    runs: done
      .filter(({ kind }) => kind !== 'clusters')
      .map(({ id, experiment, name, method, seed, kind }) => ({
        ...{ id, experiment, method: method ?? name, seed, kind: method ? 'base' : kind },
        ...short(seed === whole[0] ? results.get(id) : withoutHistory(results.get(id))),
      })),
  };
}

/** The runs of a method, one a seed, in order of seeds. */
export const runsOf = ({ runs }, experiment, method) =>
  runs.filter((run) => run.experiment === experiment && run.method === method);

export const seedsOf = ({ runs }) => [...new Set(runs.map(({ seed }) => seed))];

/** Methods of an experiment, in the order of its tables. */
export const methodsOf = ({ runs }, experiment) =>
  EXPERIMENTS[experiment].filter((method) =>
    runs.some((run) => run.experiment === experiment && run.method === method),
  );
