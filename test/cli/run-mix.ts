import { mixCommand } from '../../lib/cli/mix-command.js';
import { describe as messageOf } from '../../lib/cli/exit.js';
import type { DomainWeights } from '../../lib/reweighting/domains.js';
import { mixtureWeights, parseMixture } from '../../lib/reweighting/mixture.js';

export interface MixRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `gradsift mix` in this process, from its arguments to its exit status: a tenth of the time of starting it. */
export async function runMix(args: readonly string[]): Promise<MixRun> {
  let [status, stdout, stderr] = [0, '', ''];
  const command = mixCommand((settled) => (status = settled));
  const catchAll = (each: typeof command): void => {
    each.exitOverride().configureOutput({ outputError: () => undefined, writeOut: (text) => (stdout += text) });
    each.commands.forEach((one) => catchAll(one));
  };
  catchAll(command);
  const out = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((stdout += String(chunk)), true));
  const err = jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => ((stderr += String(chunk)), true));
  try {
    await command.parseAsync(args, { from: 'user' });
  } catch (error) {
    stderr += `${messageOf(error)}\n`;
    status = 2;
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
  return { status, stdout, stderr };
}

export const learn = (...args: string[]) => runMix(['learn', ...args]);

/** Learns, without a word on standard error, and reads the record on standard output. */
export async function weightsOf(...args: string[]): Promise<DomainWeights> {
  const run = await learn(...args);
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
  return mixtureWeights(parseMixture(run.stdout));
}
