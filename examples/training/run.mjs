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
 * Training with a plan of its own for the batch of each step, `batch(index)`: a function of the step's number alone, so
 * that a run can go on. `learningRate(index)` and `clipNorm` are as trainStep takes them. What onlineMixer and proxyRun
 * return has the same members.
 */
export function plainRun({ model, optimizer, batch, learningRate, clipNorm }) {
  return {
    variables: { ...model.weights, ...optimizer.moments },
    get stepsDone() {
      return optimizer.stepsDone;
    },
    step() {
      const index = optimizer.stepsDone;
      const given = batch(index);
      const done = trainStep(model, optimizer, given, { learningRate: learningRate?.(index), clipNorm });
      tf.dispose([given.inputs, given.targets]);
      return done;
    },
    state: () => optimizer.stepsDone,
    restore: (stepsDone) => (optimizer.stepsDone = stepsDone),
  };
}

/**
 * Takes steps of `training` until it has done `steps` of them. Saves it in the file `checkpoint`, if named, after every
 * `every` steps and at the end, and starts from there where it exists. Ctrl-C saves too, and ends the process with 130.
 * A step trains on `items` of a `unit`. `look(done, record)` is called between steps, with the number done and what the
 * last step returned.
 *
 * Returns the mean loss of the last fifty steps or so, and items a second.
 */
export async function run(training, { steps, every, items, unit, checkpoint, look }) {
  let loss = null;
  if (checkpoint !== undefined && existsSync(checkpoint)) {
    const saved = await loadCheckpoint(tf, checkpoint, training.variables);
    training.restore(saved.run);
    loss = saved.loss;
    console.error(`${checkpoint}: goes on after step ${training.stepsDone}`);
  }
  const save = () => checkpoint && saveCheckpoint(checkpoint, training.variables, { run: training.state(), loss });
  let interrupted = false;
  const interrupt = () => (interrupted = true);
  process.once('SIGINT', interrupt);
  const first = training.stepsDone;
  const shown = display(first, steps);
  const started = performance.now();
  const rate = () => ((training.stepsDone - first) * items) / ((performance.now() - started) / 1e3);
  while (training.stepsDone < steps && !interrupted) {
    const record = training.step();
    const done = training.stepsDone;
    loss = loss === null ? record.loss : 0.98 * loss + 0.02 * record.loss;
    shown.update(done, `loss ${loss.toFixed(4)}  ${Math.round(rate())} ${unit}/s`);
    if (done % every === 0 && done < steps) await save();
    await look?.(done, record);
    await nextTurn(); // lets Ctrl-C through
  }
  const speed = training.stepsDone > first ? rate() : 0;
  shown.stop();
  process.removeListener('SIGINT', interrupt);
  await save();
  if (interrupted) {
    console.error(`stopped after step ${training.stepsDone}${checkpoint ? `, saved in ${checkpoint}` : ''}`);
    process.exit(130);
  }
  return { loss, rate: speed };
}
