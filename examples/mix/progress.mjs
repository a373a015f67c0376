// How far the jobs are: one line that rewrites itself on a terminal, elsewhere a line for each job that is done.

/** A job's share of the work, roughly: steps times what a step costs. */
function costOf({ kind, size }, { steps, models }) {
  if (kind === 'clusters') return 0.05 * steps.base;
  return steps[size] * (models[size].width / models.base.width) * (kind === 'proxy' ? 2 : 1);
}

const duration = (seconds) =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

export function progressLine(jobs, scale) {
  const costs = new Map(jobs.map((job) => [job.id, costOf(job, scale)]));
  const all = [...costs.values()].reduce((sum, cost) => sum + cost, 0);
  const started = performance.now();
  let first; // work that was done before this start
  let shown = -1;
  const live = process.stderr.isTTY;
  return {
    show({ results, running }) {
      const share = [...running].reduce((sum, [id, part]) => sum + part * costs.get(id), 0);
      const done = [...results.keys()].reduce((sum, id) => sum + costs.get(id), share);
      first ??= done;
      const seconds = (performance.now() - started) / 1e3;
      const left = done > first ? `, ${duration((seconds * (all - done)) / (done - first))} left` : '';
      const line = `${results.size} of ${jobs.length} jobs, ${Math.floor((100 * done) / all)} %${left}`;
      if (live) process.stderr.write(`\r\u001b[2K${line}  (${[...running.keys()].join(', ')})`);
      else if (results.size !== shown) console.error(line);
      shown = results.size;
    },
    stop: () => live && process.stderr.write('\r\u001b[2K'),
  };
}
