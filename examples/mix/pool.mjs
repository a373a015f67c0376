// Runs jobs in processes of their own, one thread each, as many as there are cores; what is done is kept in a folder.
import { fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

const fileOf = (folder, { id }) => join(folder, `${id}.json`);

/** Results of the jobs that are done, by id. */
export function readResults(folder, jobs) {
  const done = jobs.filter((job) => existsSync(fileOf(folder, job)));
  return new Map(done.map((job) => [job.id, JSON.parse(readFileSync(fileOf(folder, job), 'utf8'))]));
}

function keep(folder, job, result) {
  const path = fileOf(folder, job);
  writeFileSync(`${path}.part`, JSON.stringify(result));
  renameSync(`${path}.part`, path); // never half a result
}

/**
 * Runs those of the jobs that have no result yet, in their order as far as their needs allow. Calls `onProgress({ done:
 * ids, running: Map of shares by id })`. Returns all results, or null after Ctrl-C: what was running has then saved
 * itself.
 */
export async function runJobs(jobs, { scale, folder, processes, onProgress }) {
  mkdirSync(folder, { recursive: true });
  const results = readResults(folder, jobs);
  const waiting = jobs.filter(({ id }) => !results.has(id));
  const running = new Map();
  const workers = [];
  let stopped = false;
  const stop = () => {
    stopped = true;
    for (const { child } of workers) child.kill('SIGINT');
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  const report = () => onProgress({ results, running });

  /** Gives an idle process the first job whose needs are met, and sends it home when none is left. */
  function assign(worker) {
    const at = stopped ? -1 : waiting.findIndex(({ needs }) => needs.every((id) => results.has(id)));
    worker.idle = at < 0;
    if (at >= 0) {
      const [job] = waiting.splice(at, 1);
      worker.job = job;
      running.set(job.id, 0);
      worker.child.send({ job, results: job.needs.map((id) => [id, results.get(id)]) });
    } else if (waiting.length === 0 || stopped) worker.child.disconnect();
  }

  function receive(worker, { id, share, result }) {
    if (share !== undefined) running.set(id, share);
    else {
      if (result) {
        keep(folder, worker.job, result);
        results.set(id, result);
        running.delete(id);
      }
      assign(worker);
      for (const other of workers) if (other.idle && other !== worker && other.child.connected) assign(other);
    }
    report();
  }

  const ends = Array.from({ length: Math.min(processes, waiting.length) }, () => {
    const child = fork(WORKER, [scale, folder], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const worker = { child, idle: false, job: undefined };
    workers.push(worker);
    child.on('message', (message) => receive(worker, message));
    return new Promise((resolve) => child.on('exit', (code, signal) => resolve(ended(code, signal))));
  });
  let failed = false;
  /** A process that ends before its time takes the others with it. */
  function ended(code, signal) {
    if (code === 0 || stopped) return;
    failed = true;
    console.error(`a job's process ended with ${signal ?? code}`);
    stop();
  }
  await Promise.all(ends);
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, stop);
  if (failed) throw new Error('a job failed; what was done is kept');
  return jobs.every(({ id }) => results.has(id)) ? results : null;
}
