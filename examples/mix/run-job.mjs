// One job: trains a model, or finds clusters, and returns what came of it as plain data.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import {
  assignClusters,
  dga,
  doge,
  doremi,
  fitClusters,
  fitLsa,
  lsaEmbeddings,
  openGradients,
  uniform,
} from 'gradsift';
import { accelerate, adamw, gpt, loadCheckpoint, onlineMixer, proxyRun, saveCheckpoint } from 'gradsift/tfjs';
import { CONTEXT } from './domains.mjs';
import { poolsOf, specialSets, tokens } from './pools.mjs';

const VOCAB = 256; // bytes
const RULES = { doge, dogeTarget: doge, doremi, dga };
/** Points of the weights' history that are kept. */
const HISTORY = 60;
const EVALUATED = 32; // windows at once

export async function start() {
  tf.enableProdMode();
  await accelerate(tf, { backend: 'wasm', threads: 1 });
}

/**
 * Runs a job of experiments.mjs. `results` has those that it needs; `folder` is where it keeps checkpoints, and
 * `stopped()` tells it to save one and leave. Calls `onProgress(share)` now and then.
 *
 * Returns the result, or null when it was stopped.
 */
export async function runJob(job, context) {
  const started = performance.now();
  const result = await (job.kind === 'clusters' ? findClusters(job, context) : train(job, context));
  return result && { ...result, seconds: (performance.now() - started) / 1e3 };
}

async function findClusters(job, { scale, data }) {
  const { generic, target } = specialSets(job, scale, data);
  const texts = ({ bytes, length, count }) =>
    Array.from({ length: count }, (_, i) => Buffer.from(bytes.subarray(i * length, (i + 1) * length)).toString());
  const { seed } = job;
  const model = await fitLsa(texts(generic), { seed, dimensions: 64, words: [1, 2], characters: [3, 3], threads: 1 });
  const store = async (windows) =>
    openGradients({ layers: { x: { rows: await rowsOf(model, texts(windows)), shape: [windows.count, 1, 64] } } });
  const embedded = await store(generic);
  const tree = await fitClusters(embedded, { branching: scale[job.experiment].branching, seed, threads: 1 });
  const labels = async (from) => [...(await assignClusters(tree, from, { threads: 1 }))];
  return { generic: await labels(embedded), target: await labels(await store(target)) };
}

/** Embeddings; a window without any n-gram, which would have no direction, gets one of its own kind. */
async function rowsOf(model, texts) {
  const rows = await lsaEmbeddings(model, texts, { threads: 1 });
  const { dimensions } = model;
  for (let i = 0; i < texts.length; ++i) {
    const row = rows.subarray(i * dimensions, (i + 1) * dimensions);
    if (row.every((value) => value === 0)) row[0] = -1;
  }
  return rows;
}

/** The learning rate of a step: up in a line, down in a cosine. */
function schedule({ peak, warmUp, last }, steps) {
  return (step) =>
    peak *
    Math.min((step + 1) / warmUp, last + (1 - last) * 0.5 * (1 + Math.cos((Math.PI * step) / Math.max(1, steps))));
}

function newModel(job, scale) {
  return gpt(tf, { vocab: VOCAB, context: CONTEXT, ...scale.models[job.size], seed: 100 * job.seed });
}

/** The loop of the job, as gradsift/tfjs has it. */
function newRun(job, { scale, results }, { model, optimizer, pools, basis, initial, target, reference }) {
  const batch = (samples) => {
    const list = samples.map(({ domain, index }) => ({ windows: pools[domain] ?? target, index }));
    const { inputs, targets } = tokens(list);
    const tensor = (values) => tf.tensor2d(values, [list.length, CONTEXT], 'int32');
    return { inputs: tensor(inputs), targets: tensor(targets) };
  };
  const options = {
    ...{ model, optimizer, batch, seed: job.seed, initial, clipNorm: scale.clipNorm },
    sizes: Object.fromEntries(Object.entries(pools).map(([name, { count }]) => [name, count])),
    target: target && { size: target.count },
    rule: job.rule ? RULES[job.rule](scale.rules[job.rule]) : uniform(),
    learningRate: schedule(scale.learningRate, scale.steps[job.size]),
  };
  if (job.kind === 'train')
    return onlineMixer({ ...options, basis, batchSize: scale.batch, measureSize: scale.measure });
  if (reference === undefined) return proxyRun({ ...options, batchPerDomain: scale.batchPerDomain });
  return proxyRun({ ...options, reference, batchSize: scale.batchPerDomain * Object.keys(pools).length });
}

async function train(job, context) {
  const { scale, data, results, folder } = context;
  await mkdir(folder, { recursive: true });
  const sources = poolsOf(job, scale, data, results);
  const model = newModel(job, scale);
  const optimizer = adamw(tf, model.weights, { learningRate: scale.learningRate.peak, beta2: 0.99, weightDecay: 0.1 });
  const reference = job.reference && newModel(job, scale);
  try {
    if (reference) await loadCheckpoint(tf, join(folder, `${job.reference}.safetensors`), reference.weights);
    const run = newRun(job, context, { ...sources, model, optimizer, reference });
    return await trained(job, context, { ...sources, model, run });
  } finally {
    tf.dispose([Object.values(optimizer.moments), Object.values(model.weights)]);
    reference?.dispose();
  }
}

async function trained(job, context, { model, run, pools, tests, plan }) {
  const { scale, folder, stopped, onProgress } = context;
  const steps = scale.steps[job.size];
  const checkpoint = join(folder, `${job.id}.part.safetensors`);
  let kept = { curve: [], history: [], losses: { sum: 0, steps: 0 } };
  if (existsSync(checkpoint)) {
    const state = await loadCheckpoint(tf, checkpoint, run.variables);
    run.restore(state.run);
    kept = state.kept;
  }
  const save = () => saveCheckpoint(checkpoint, run.variables, { run: run.state(), kept });
  while (run.stepsDone < steps) {
    if (stopped()) {
      await save();
      return null;
    }
    note(kept, run.step(), steps, scale, () => evaluate(model, tests, scale.windows.curve));
    if (run.stepsDone % scale.saveEvery === 0) await save();
    if (run.stepsDone % 10 === 0) onProgress(run.stepsDone / steps);
    await nextTurn(); // lets signals and messages through
  }
  if (job.keep) await saveCheckpoint(join(folder, `${job.id}.safetensors`), model.weights);
  const { curve, history } = kept;
  const result = {
    ...{ steps, learned: run.learned(), curve, history, tests: evaluate(model, tests, Infinity) },
    ...{ repeats: repeats(run.state().training.taken, pools), plan: plan && summary(plan) },
  };
  await rm(checkpoint, { force: true });
  return result;
}

/** Keeps what the report shows: weights and evidence at updates, losses on training text and on tests at times. */
function note(kept, { step, loss, weights, evidence }, steps, scale, look) {
  kept.losses = { sum: kept.losses.sum + loss, steps: kept.losses.steps + 1 };
  if (evidence && step >= (kept.history.at(-1)?.step ?? 0) + steps / HISTORY) {
    kept.history.push({ step, weights, ...(evidence.alignment ? { alignment: cosines(evidence) } : {}) });
  }
  if (Math.floor((step * scale.points) / steps) === Math.floor(((step - 1) * scale.points) / steps)) return;
  kept.curve.push({ step, train: kept.losses.sum / kept.losses.steps, tests: look() });
  kept.losses = { sum: 0, steps: 0 };
}

const cosines = ({ alignment, norms, targetNorm }) =>
  Object.fromEntries(Object.entries(alignment).map(([name, value]) => [name, value / (norms[name] * targetNorm)]));

/** How often a window was trained on, on average over those that were: sum_i t_i (t_i / n_i) / sum_i t_i. */
function repeats(taken, pools) {
  const drawn = Object.entries(taken).filter(([name]) => Object.hasOwn(pools, name)); // not the target of a proxy
  const all = drawn.reduce((sum, [, count]) => sum + count, 0);
  return drawn.reduce((sum, [name, count]) => sum + count ** 2 / pools[name].count, 0) / all;
}

const summary = ({ effectiveShare, coverage, weights }) => ({
  ...{ effectiveShare, coverage },
  clusters: Object.values(weights).filter((weight) => weight > 0).length,
  of: Object.keys(weights).length,
});

/** Mean loss of each test set, over at most `most` of its windows: nats a byte. */
function evaluate(model, tests, most) {
  return Object.fromEntries(
    Object.entries(tests).map(([name, windows]) => {
      const count = Math.min(most, windows.count);
      let sum = 0;
      for (let first = 0; first < count; first += EVALUATED) {
        const size = Math.min(EVALUATED, count - first);
        const { inputs, targets } = tokens(Array.from({ length: size }, (_, i) => ({ windows, index: first + i })));
        sum += tf.tidy(() => {
          const tensor = (values) => tf.tensor2d(values, [size, CONTEXT], 'int32');
          return tf.sum(model.losses({ inputs: tensor(inputs), targets: tensor(targets) })).dataSync()[0];
        });
      }
      return [name, sum / count];
    }),
  );
}
