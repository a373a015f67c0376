// A training run: a progress bar with the rate, a checkpoint now and then and on Ctrl-C, and going on from it.
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import * as tf from '@tensorflow/tfjs';
import { loadCheckpoint, saveCheckpoint, trainStep } from 'gradsift/tfjs';

const FORMAT = '{bar} {percentage} %  {eta_formatted} left  {label}';
/** Without a terminal: a line at each tenth of the run. */
const LINES = 10;

function display(first, steps) {
  if (!process.stderr.isTTY) {
    let shown = Math.floor((LINES * first) / steps);
    return {
      update(done, label) {
        const tenth = Math.floor((LINES * done) / steps);
        if (tenth > shown) console.error(`${done} of ${steps} steps, ${label}`);
        shown = tenth;
      },
      stop: () => undefined,
    };
  }
  const bar = new SingleBar({ format: FORMAT, barsize: 28, hideCursor: true, clearOnComplete: true, etaBuffer: 50 });
  bar.start(steps, first, { label: '' });
  return { update: (done, label) => bar.update(done, { label }), stop: () => bar.stop() };
}

/** A whole number above 0 from the command line, or the end of the program. */
export function wholeNumber(name, text) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`${name}: expected a whole number above 0, got "${text}"`);
  process.exit(2);
}

/**
 * Trains `model` until `optimizer` has done `steps` steps, on the batches that `batch(index)` makes: a function of the
 * step's number alone, so that a run can go on. Saves weights and optimizer in the file `checkpoint`, if named, after
 * every `every` steps and at the end, and starts from it where it exists. Ctrl-C saves too, and ends the process with
 * 130. A step trains on `items` of a `unit`. `learningRate(index)` and `clipNorm` are as trainStep takes them;
 * `look(done)` is called between steps, with the number done.
 *
 * Returns the mean loss of the last fifty steps or so, and items a second.
 */
export async function run({ model, optimizer, batch, steps, every, items, unit, checkpoint, ...options }) {
  const { learningRate, clipNorm, look } = options;
  const variables = { ...model.weights, ...optimizer.moments };
  let loss = null;
  if (checkpoint !== undefined && existsSync(checkpoint)) {
    const state = await loadCheckpoint(tf, checkpoint, variables);
    optimizer.stepsDone = state.stepsDone;
    loss = state.loss;
    console.error(`${checkpoint}: goes on after step ${state.stepsDone}`);
  }
  const save = () => checkpoint && saveCheckpoint(checkpoint, variables, { stepsDone: optimizer.stepsDone, loss });
  let interrupted = false;
  const interrupt = () => (interrupted = true);
  process.once('SIGINT', interrupt);
  const first = optimizer.stepsDone;
  const shown = display(first, steps);
  const started = performance.now();
  const rate = () => ((optimizer.stepsDone - first) * items) / ((performance.now() - started) / 1e3);
  while (optimizer.stepsDone < steps && !interrupted) {
    const index = optimizer.stepsDone;
    const given = batch(index);
    const now = trainStep(model, optimizer, given, { learningRate: learningRate?.(index), clipNorm }).loss;
    tf.dispose([given.inputs, given.targets]);
    loss = loss === null ? now : 0.98 * loss + 0.02 * now;
    shown.update(index + 1, `loss ${loss.toFixed(4)}  ${Math.round(rate())} ${unit}/s`);
    if ((index + 1) % every === 0 && index + 1 < steps) await save();
    await look?.(index + 1);
    await nextTurn(); // lets Ctrl-C through
  }
  const speed = optimizer.stepsDone > first ? rate() : 0;
  shown.stop();
  process.removeListener('SIGINT', interrupt);
  await save();
  if (interrupted) {
    console.error(`stopped after step ${optimizer.stepsDone}${checkpoint ? `, saved in ${checkpoint}` : ''}`);
    process.exit(130);
  }
  return { loss, rate: speed };
}
