// One EM pass of k-means, assignment and new means, of 1 000 000 rows of 384 and 1024 centroids (--sizes: other numbers
// of rows): directions without any structure, and 1024 clusters around the centroids (--types normal,clustered). Beside
// scikit-learn's step of Lloyd's algorithm and FAISS's k-means of one iteration, in turns on the same rows.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addRowsByLabel, fmaPeak, nearestCentroid } from 'gradsift';
import { interval, pythonPeer } from './peers/torch.mjs';
import { median } from './timer.mjs';

const LENGTH = 384;
const CLUSTERS = 1024;
const ROUNDS = 3;
const NOISE = 4_194_301; // a prime: rows differ although the numbers come again

/** Sums of four even numbers: close to normal. */
function noise() {
  let state = 1;
  const even = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  return Float32Array.from({ length: NOISE }, () => even() + even() + even() + even());
}

/** Rows of length 1, and centroids that are some of them. */
function given(kind, count) {
  const numbers = noise();
  const rows = new Float32Array(count * LENGTH);
  for (let i = 0; i < count; ++i) {
    const centre = ((Math.imul(i, 2654435761) >>> 0) % CLUSTERS) * LENGTH + 13;
    let square = 0;
    for (let j = 0, at = i * LENGTH; j < LENGTH; ++j, ++at) {
      const value = numbers[at % NOISE] + (kind === 'clustered' ? numbers[centre + j] : 0);
      rows[at] = value;
      square += value * value;
    }
    const scale = 1 / Math.sqrt(square);
    for (let at = i * LENGTH; at < (i + 1) * LENGTH; ++at) rows[at] *= scale;
  }
  return { rows, centroids: rows.slice(0, CLUSTERS * LENGTH) };
}

/** The step: new means and the sum of scores. */
function step({ rows, centroids }, count, threads, prefilter) {
  const shape = { count, length: LENGTH, threads };
  const { labels } = nearestCentroid(rows, centroids, { ...shape, clusters: CLUSTERS, prefilter });
  const means = addRowsByLabel(rows, labels, { ...shape, segments: CLUSTERS });
  const sizes = new Uint32Array(CLUSTERS);
  for (const label of labels) sizes[label] += 1;
  for (let i = 0; i < means.length; ++i) means[i] /= Math.max(1, sizes[Math.floor(i / LENGTH)]);
  return means;
}

function write(path, rows) {
  const file = openSync(path, 'w');
  const piece = 1 << 24;
  for (let at = 0; at < rows.length; at += piece) writeSync(file, rows.subarray(at, at + piece));
  closeSync(file);
}

/** Seconds of each candidate, round by round in turns, after one round to warm up. */
async function rounds(candidates) {
  const times = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let round = -1; round < ROUNDS; ++round) {
    for (const [name, run] of Object.entries(candidates)) {
      const seconds = await run();
      if (round >= 0) times[name].push(seconds);
    }
  }
  return times;
}

async function measure(kind, count, threads, withPeers) {
  const problem = given(kind, count);
  const folder = mkdtempSync(join(tmpdir(), 'gradsift-bench-'));
  const peer = withPeers ? pythonPeer('sklearn, faiss', threads, 'k-means.py') : undefined;
  try {
    const path = join(folder, 'rows');
    if (peer) write(path, problem.rows);
    const ours = (prefilter) => () => {
      const start = performance.now();
      step(problem, count, threads, prefilter);
      return (performance.now() - start) / 1e3;
    };
    const theirs = (name) => () => peer.ask([name, path, LENGTH, CLUSTERS].join(' '));
    const times = await rounds({
      ...{ float32: ours(false), prefilter: ours(true) },
      ...(peer ? { 'scikit-learn': theirs('sklearn'), FAISS: theirs('faiss') } : {}),
    });
    const flops = 2 * count * LENGTH * CLUSTERS;
    const peak = fmaPeak({ dtype: 'f32', threads }) / 1e9;
    const { float32, prefilter, ...others } = times;
    const row = (name, mine, besides) => ({
      case: `${count} x ${LENGTH}, k = ${CLUSTERS}, ${kind}, ${name}`,
      ...{ threads, unit: 'GFLOP/s', value: flops / median(mine) / 1e9, peak },
      peers: Object.fromEntries(
        Object.entries(besides).map(([peer, list]) => [
          peer,
          { value: flops / median(list) / 1e9, ratio: interval(list.map((seconds, i) => seconds / mine[i])) },
        ]),
      ),
    });
    return [row('float32', float32, others), row('prefilter', prefilter, { ...others, 'its float32': float32 })];
  } finally {
    peer?.close();
    rmSync(folder, { recursive: true });
  }
}

export default {
  op: 'kMeans step',
  async run({ threads, peers, chosen }) {
    const rows = [];
    for (const kind of chosen.types ?? ['normal', 'clustered']) {
      for (const count of chosen.sizes ?? [1_000_000]) {
        for (const used of threads) rows.push(...(await measure(kind, count, used, peers)));
      }
    }
    return rows;
  },
};
