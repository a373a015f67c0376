// `gradsift mix learn --dry-run`: what would be read, computed and written.
import { formatBytes, formatCount, formatPlural } from '../report/format.js';
import { jsonText } from './json-text.js';
import { storeJobs, withJobStores } from './mix-evidence.js';
import { prepare, readLog, type Lesson } from './mix-learn.js';
import type { GradientRequest, LearnRequest } from './mix-learn-flags.js';
import { formatFlops } from './plan-text.js';
import { textTable, type Style } from './text-table.js';

/** As alignments() has it. */
const DEFAULT_MEMORY_BYTES = 2 * 2 ** 30;
const ENTRY_BYTES: Readonly<Record<string, number>> = { F32: 4, F64: 8, F16: 2, BF16: 2 };

interface StorePlan {
  readonly file: string;
  readonly step: number;
  readonly rows: number;
  readonly layers: number;
  /** Entries of one row. */
  readonly entries: number;
  readonly bytes: number;
  readonly flops: number;
}

/** Opens each store for its header only. */
async function storePlans(request: LearnRequest, gradients: GradientRequest, { rule, start }: Lesson) {
  const plans: StorePlan[] = [];
  for (const job of storeJobs(gradients, request.learningRates, start)) {
    plans.push(
      await withJobStores(job, gradients, async (store, target) => {
        const { samples: rows, layers } = store;
        const sum = (each: (layer: (typeof layers)[number]) => number) =>
          layers.reduce((all, layer) => all + each(layer), 0);
        const entries = sum(({ r, d }) => r * d);
        const entryBytes = sum(({ r, d, dtype }) => r * d * (ENTRY_BYTES[dtype] as number));
        const pairs = target === undefined || new Set(gradients.rows).size < rows ? (rows * (rows + 1)) / 2 : rows;
        const withTarget = target === undefined ? 0 : rows + 2 * target.samples;
        return {
          file: job.file,
          step: job.step,
          rows,
          layers: layers.length,
          entries,
          bytes: (rows + (target?.samples ?? 0)) * entryBytes,
          flops: 2 * entries * (pairs + withTarget),
        };
      }),
    );
  }
  return { rule: rule.name, stores: plans };
}

/** The plan: as a table, or as JSON. */
export async function learnPlan(request: LearnRequest, style: Style): Promise<string[]> {
  const { rule: name, gradients, format, out, report, saveLog, saveState, resume } = request;
  const log = await readLog(request);
  const lesson = name === null ? undefined : prepare({ ...request, rule: name }, log);
  const stores = lesson && gradients ? (await storePlans(request, gradients, lesson)).stores : [];
  const steps = log?.steps.filter(({ step }) => !resume || step > resume.step) ?? [];
  const plan = {
    rule: name ?? `recorded (${log?.header?.rule ?? 'unknown'})`,
    domains: lesson?.state.domains ?? log?.header?.domains ?? [],
    target: lesson?.rule.target ?? log?.header?.target ?? null,
    updates: steps.filter(({ evidence }) => evidence !== undefined).length + stores.length,
    stores,
    bytesRead: stores.reduce((sum, { bytes }) => sum + bytes, 0),
    flops: stores.reduce((sum, { flops }) => sum + flops, 0),
    memoryBytes: gradients ? (gradients.memoryBytes ?? DEFAULT_MEMORY_BYTES) : 0,
    writes: [out ?? 'standard output', saveState, saveLog, report].filter((path) => path !== undefined),
  };
  if (format === 'json') return [`${jsonText(plan)}\n`];
  const right = 'right' as const;
  const titles = ['step', 'rows', 'layers', 'entries', 'to read', 'work'].map((title) => ({ title, align: right }));
  const table = textTable(
    [{ title: 'store' }, ...titles],
    stores.map(({ file, step, rows, layers, entries, bytes, flops }) => [
      file,
      String(step),
      formatCount(rows),
      formatCount(layers),
      formatCount(entries),
      formatBytes(bytes),
      formatFlops(flops),
    ]),
    style,
  );
  const lines = [
    ...(stores.length > 0 ? [...table, ''] : []),
    `rule ${plan.rule}${plan.target === null ? '' : `, target ${plan.target}`}`,
    `${formatPlural(plan.domains.length, 'domain')}: ${plan.domains.slice(0, 12).join(', ')}`,
    `${formatPlural(plan.updates, 'update')}${log ? ` from ${request.log}` : ''}`,
    ...(stores.length > 0
      ? [
          `one pass over each store: to read ${formatBytes(plan.bytesRead)}, to compute ${formatFlops(plan.flops)}`,
          `memory at most ${formatBytes(plan.memoryBytes)}`,
        ]
      : []),
    `writes ${plan.writes.join(', ')}`,
  ];
  return [`${lines.join('\n')}\n`];
}
