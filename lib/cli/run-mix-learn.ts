// `gradsift mix learn`, from checked options to an exit status.
import { mixLogLines } from '../reweighting/mix-log.js';
import { commandLine } from './command-line.js';
import { EXIT } from './exit.js';
import { runJob, type Job } from './job.js';
import { learn, proposals, type Learned } from './mix-learn.js';
import { parseLearnFlags, type LearnFlags, type LearnRequest } from './mix-learn-flags.js';
import { learnPlan } from './mix-learn-plan.js';
import { stateText } from './mix-state.js';
import { mixtureLines } from './mix-text.js';
import { plainStyle, styleFor } from './text-table.js';
import { writeLines } from './write-lines.js';

/** Everything is learned before anything is written. */
async function write(found: Learned, request: LearnRequest, { signal, note }: Job): Promise<void> {
  const { out, format, report, saveLog, saveState, rule } = request;
  const { mixture, before, saved, steps, target } = found;
  const style = out === undefined ? styleFor(process.stdout) : plainStyle;
  await writeLines(out, mixtureLines(mixture, before, format, style), signal);
  if (out !== undefined) note(`mixture in ${out}`);
  if (saveState !== undefined && rule !== null && saved !== undefined) {
    await writeLines(saveState, [stateText({ rule, ...saved })], signal);
    note(`state in ${saveState}`);
  }
  if (saveLog !== undefined) {
    const domains = mixture.domains.map(({ name }) => name);
    await writeLines(saveLog, mixLogLines({ rule: mixture.method, domains, target }, steps.slice(1)), signal);
    note(`log in ${saveLog}`);
  }
  if (report === undefined) return;
  const { mixtureReport } = await import('../report/index.js');
  const settings = Object.entries(saved?.options ?? {}).map(([key, value]) => [key, JSON.stringify(value)]);
  const options = { command: commandLine(), ...(Object.fromEntries(settings) as Record<string, string>) };
  const page = mixtureReport({ ...found, initial: before, options });
  await writeLines(report, [page], signal);
  note(`report in ${report}`);
}

/** Runs the command. @returns the exit status */
export async function runMixLearn(flags: LearnFlags): Promise<number> {
  const request = parseLearnFlags(flags, process.stdout.isTTY);
  const { out, report, saveLog, saveState, inputs, quiet } = request;
  return runJob({ outputs: [out, report, saveLog, saveState], inputs, quiet }, async (job) => {
    if (request.dryRun) {
      await writeLines(undefined, await learnPlan(request, styleFor(process.stdout)), job.signal);
      return EXIT.ok;
    }
    if (request.propose !== undefined && request.rule !== null) {
      await writeLines(out, proposals({ ...request, rule: request.rule }, request.propose), job.signal);
      return EXIT.ok;
    }
    const found = await learn(request, job);
    await write(found, request, job);
    for (const warning of found.warnings) process.stderr.write(`gradsift: ${warning}\n`);
    return found.warnings.length > 0 ? EXIT.outcome : EXIT.ok;
  });
}
