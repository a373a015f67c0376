// A training run: a progress bar with the rate, a checkpoint now and then and on Ctrl-C, and going on from it.
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import * as tf from '@tensorflow/tfjs';
import { loadCheckpoint, saveCheckpoint } from 'gradsift/tfjs';

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

/**
 * Calls `step(index)`, which trains once and returns the loss, until `steps` steps are done; after every `every` of them
 * and at the end saves `variables` in the file `checkpoint` (if named), from which a later run goes on. Ctrl-C saves
 * too, and ends the process with 130. Counts `items` of the `unit` a step. Returns the mean loss of the last steps and
 * the rate.
 */
export async function run({ variables, steps, step, every, items, unit, checkpoint }) {
  const found = checkpoint !== undefined && existsSync(checkpoint);
  const saved = found ? await loadCheckpoint(tf, checkpoint, variables) : { done: 0, loss: null };
  if (found) console.error(`${checkpoint}: goes on after step ${saved.done}`);
  let { done, loss } = saved;
  let interrupted = false;
  const interrupt = () => (interrupted = true);
  process.once('SIGINT', interrupt);
  const shown = display(done, steps);
  const save = () => checkpoint && saveCheckpoint(checkpoint, variables, { done, loss });
  const started = performance.now();
  const first = done;
  const rate = () => ((done - first) * items) / ((performance.now() - started) / 1e3);
  while (done < steps && !interrupted) {
    const now = step(done);
    ++done;
    loss = loss === null ? now : 0.98 * loss + 0.02 * now; // a mean over about fifty steps
    shown.update(done, `loss ${loss.toFixed(4)}  ${Math.round(rate())} ${unit}/s`);
    if (done % every === 0 && done < steps) await save();
    await nextTurn(); // lets Ctrl-C through
  }
  const speed = done > first ? rate() : 0;
  shown.stop();
  process.removeListener('SIGINT', interrupt);
  await save();
  if (interrupted) {
    console.error(checkpoint ? `stopped after step ${done}, saved in ${checkpoint}` : `stopped after step ${done}`);
    process.exit(130);
  }
  return { loss, rate: speed };
}
