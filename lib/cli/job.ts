// What every command that works on files does around its work: outputs checked first, Ctrl-C, a bar, notes.
import { checkOutputs } from './check-outputs.js';
import { interruptible } from './interrupt.js';
import type { ProgressBar } from './progress.js';

export interface JobOptions {
  readonly outputs: readonly (string | undefined)[];
  readonly inputs: readonly (string | undefined)[];
  readonly quiet: boolean;
}

export interface Job {
  readonly signal: AbortSignal;
  /** A line on standard error, unless --quiet. */
  readonly note: (text: string) => void;
  /** The bar, where there is a terminal to show it and no --quiet. */
  readonly startBar: () => Promise<ProgressBar | undefined>;
}

const known = (paths: JobOptions['outputs']) => paths.filter((path) => path !== undefined);

/** Runs the work of a command. @returns its exit status, or that of an interrupted command */
export async function runJob(options: JobOptions, work: (job: Job) => Promise<number>): Promise<number> {
  const { quiet } = options;
  const outputs = known(options.outputs);
  let bar: ProgressBar | undefined;
  const interrupt = interruptible(outputs, () => bar?.stop());
  try {
    await checkOutputs(outputs, known(options.inputs));
    return await work({
      signal: interrupt.signal,
      note(text) {
        if (quiet) return;
        bar?.stop();
        process.stderr.write(`gradsift: ${text}\n`);
      },
      async startBar() {
        if (quiet || !process.stderr.isTTY) return undefined;
        const { progressBar } = await import('./progress.js');
        return (bar = progressBar(process.stderr));
      },
    });
  } catch (error) {
    bar?.stop();
    const status = interrupt.status();
    if (status === undefined) throw error;
    return status;
  } finally {
    interrupt.end();
  }
}
