// Timing: warm up, repeat, take medians; several candidates take turns, so that a noisy machine is noisy to all alike.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Median seconds of each candidate (a function, which may be asynchronous), by name. Rounds go on for `seconds`, at
 * least `minimum` of them; the first round warms up and is left out.
 */
export async function medianSeconds(candidates, { seconds = 1, minimum = 5 } = {}) {
  const times = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  const end = performance.now() + seconds * 1e3;
  for (let round = 0; round <= minimum || performance.now() < end; ++round) {
    for (const [name, run] of Object.entries(candidates)) {
      const start = performance.now();
      const pending = run();
      if (pending instanceof Promise) await pending;
      if (round > 0) times[name].push((performance.now() - start) / 1e3);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
}
