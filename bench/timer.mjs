// Timing: warm up, repeat, take medians; several candidates take turns, so that a noisy machine is noisy to all alike.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Median seconds of each candidate (a function, which may be asynchronous), by name. Rounds go on for `seconds`, at
 * least `minimum` of them. Before, half as long, at least one round, warms up the caches and the JavaScript compiler.
 */
export async function medianSeconds(candidates, { seconds = 1, minimum = 5 } = {}) {
  const times = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  const round = async () => {
    for (const [name, run] of Object.entries(candidates)) {
      const start = performance.now();
      const pending = run();
      if (pending instanceof Promise) await pending;
      times[name].push((performance.now() - start) / 1e3);
    }
  };
  const warm = performance.now() + seconds * 500;
  do await round();
  while (performance.now() < warm);
  for (const list of Object.values(times)) list.length = 0;
  const end = performance.now() + seconds * 1e3;
  for (let rounds = 0; rounds < minimum || performance.now() < end; ++rounds) await round();
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
}
