import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT } from './exit.js';

/** A command has stopped well before this, or it is stopped. */
const GRACE_MS = 60;

const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: 143 } as const;

export interface Interrupt {
  readonly signal: AbortSignal;
  /** The exit status of an interrupted command, undefined while it is not. */
  status(): number | undefined;
  /** The work is over: signals do again what they do by themselves. */
  end(): void;
}

/**
 * Turns Ctrl-C (and a plain kill) into an abort. If the work does not end soon, as when the system is busy writing a
 * file, the process leaves anyway, without the temporary files that `outputs` may have beside them.
 */
export function interruptible(outputs: readonly string[], beforeExit: () => void): Interrupt {
  const controller = new AbortController();
  let status: number | undefined;
  const leave = () => {
    beforeExit();
    outputs.forEach(removeTemporary);
    process.exit(status);
  };
  const handlers = Object.entries(SIGNALS).map(([name, code]) => {
    const handler = () => {
      if (status !== undefined) return leave(); // asked twice
      status = code;
      controller.abort(new Error('interrupted'));
      setTimeout(leave, GRACE_MS).unref();
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return { signal: controller.signal, status: () => status, end: () => handlers.forEach((remove) => remove()) };
}

/** Removes what replaceFile has begun for this output in this process. */
function removeTemporary(path: string): void {
  const begun = new RegExp(
    `^\\.${basename(path).replace(/[.*+?^\${}()|[\]\\]/g, '\\$&')}.*\\.${process.pid}-[0-9a-f]+\\.tmp$`,
  );
  try {
    for (const name of readdirSync(dirname(path))) {
      if (begun.test(name)) rmSync(join(dirname(path), name), { force: true });
    }
  } catch {
    // The folder is gone, and the file with it.
  }
}
