// `gradsift influence`, from checked options to an exit status.
import { openGradients } from '../gradients/open-gradients.js';
import { replaceFile } from '../gradients/replace-file.js';
import type { GradientStore } from '../gradients/store.js';
import { influence } from '../influence/influence.js';
import type { InfluenceOptions, Progress } from '../influence/options.js';
import { planInfluence, type Plan } from '../influence/plan.js';
import type { InfluenceResult } from '../influence/result.js';
import { commandLine } from './command-line.js';
import { EXIT } from './exit.js';
import { readIds } from './ids.js';
import { parseInfluenceFlags, type InfluenceFlags, type InfluenceRequest } from './influence-flags.js';
import { runJob } from './job.js';
import { jsonText } from './json-text.js';
import type { ProgressBar } from './progress.js';
import { styleFor } from './text-table.js';
import { writeStandardOutput } from './write-lines.js';
import { checkSize, writeResult } from './write-result.js';

const outputs = ({ out, report, settings }: InfluenceRequest) => [out, report, settings.saveCurvature];

/** A curvature in memory is for programs: the command has files. */
const inputs = ({ train, val, fitOn, ids, settings }: InfluenceRequest) =>
  [train, val, fitOn, ids, settings.loadCurvature].filter((path) => typeof path === 'string');

interface Stores {
  readonly train: GradientStore;
  readonly val: GradientStore;
  readonly fitOn: GradientStore | undefined;
}

async function withStores<T>(request: InfluenceRequest, work: (stores: Stores) => Promise<T>): Promise<T> {
  const { layers, exclude } = request;
  const opened: GradientStore[] = [];
  const open = async (path: string, selection: { layers?: typeof layers; exclude?: typeof exclude }) => {
    const store = await openGradients(path, selection);
    opened.push(store);
    return store;
  };
  try {
    const train = await open(request.train, { layers, exclude });
    const val = await open(request.val, { layers, exclude });
    const fitOn = request.fitOn === undefined ? undefined : await open(request.fitOn, { layers, exclude });
    return await work({ train, val, fitOn });
  } finally {
    await Promise.all(opened.map((store) => store.close()));
  }
}

function progressUpdates(bar: ProgressBar) {
  return ({ phase, layer, doneBytes, totalBytes }: Progress) => bar.update(doneBytes / totalBytes, `${phase} ${layer}`);
}

async function printPlan(plan: Plan, { format }: InfluenceRequest, signal: AbortSignal): Promise<void> {
  const { planText } = await import('./plan-text.js');
  const text = format === 'json' ? `${jsonText(plan)}\n` : planText(plan, styleFor(process.stdout));
  await writeStandardOutput([text], signal);
}

async function writeReport(path: string, result: InfluenceResult, signal: AbortSignal): Promise<void> {
  const { influenceReport } = await import('../report/index.js');
  const page = influenceReport(result, { options: { command: commandLine() } });
  await replaceFile(path, [Buffer.from(page)], signal);
}

/** One line for each method whose numbers deserve a second look. */
function warnings({ methods }: InfluenceResult): string[] {
  return Object.entries(methods)
    .filter(([, { status }]) => status !== 'ok')
    .map(([name, { status, layers }]) => {
      const bad = layers.filter((layer) => layer.status !== 'ok' && layer.status !== 'skipped');
      const shown = bad.slice(0, 3).map((layer) => layer.name);
      const more = bad.length > shown.length ? `, and ${bad.length - shown.length} more` : '';
      return `gradsift: ${name}: ${status} in ${bad.length} of ${layers.length} layers (${shown.join(', ')}${more})`;
    });
}

/** Runs the command. @returns the exit status */
export async function runInfluence(flags: InfluenceFlags): Promise<number> {
  const request = parseInfluenceFlags(flags, process.stdout.isTTY);
  const paths = { outputs: outputs(request), inputs: inputs(request), quiet: request.quiet };
  return runJob(paths, ({ signal, note, startBar }) =>
    withStores(request, async (stores) => {
      const ids = request.ids === undefined ? undefined : await readIds(request.ids, stores.train.samples);
      const options: InfluenceOptions = { ...stores, ...request.settings, ids, topK: request.top, signal };
      const plan = planInfluence(options);
      if (request.dryRun) {
        await printPlan(plan, request, signal);
        return EXIT.ok;
      }
      checkSize(plan.samples * plan.queries * (options.methods?.length ?? 1), request);
      const bar = await startBar();
      const result = await influence({ ...options, onProgress: bar && progressUpdates(bar) });
      bar?.stop();
      await writeResult(result, request, signal);
      if (request.out !== undefined) note(`scores in ${request.out}`);
      if (request.report !== undefined) {
        await writeReport(request.report, result, signal);
        note(`report in ${request.report}`);
      }
      const lines = warnings(result);
      for (const line of lines) process.stderr.write(`${line}\n`);
      return lines.length > 0 ? EXIT.outcome : EXIT.ok;
    }),
  );
}
