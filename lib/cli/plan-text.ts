import type { Plan } from '../influence/plan.js';
import { formatBytes, formatCount, formatPlural } from '../report/format.js';
import { textTable, type Style } from './text-table.js';

/** 1.5e9 as 1.5 Gflop. */
export function formatFlops(flops: number): string {
  const units = ['flop', 'kflop', 'Mflop', 'Gflop', 'Tflop', 'Pflop'];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, flops)) / 3)));
  return `${Number((flops / 1000 ** unit).toPrecision(3))} ${units[unit] as string}`;
}

/** The plan of `--dry-run` for people: one line a layer and method, then the sums. */
export function planText(plan: Plan, style: Style): string {
  const rows = plan.layers.flatMap((layer) =>
    layer.methods.map((method, index) => [
      index === 0 ? layer.name : '',
      index === 0 ? layer.shape.map(formatCount).join(' x ') : '',
      method.method,
      method.solver,
      String(method.reads),
      formatFlops(method.flops),
      index === 0 ? (layer.kept ? 'kept in memory' : `${formatCount(layer.blockSamples)} samples`) : '',
      index === 0 ? formatBytes(layer.peakBytes) : '',
    ]),
  );
  const lines = textTable(
    [
      { title: 'layer' },
      { title: 'samples x r x d', align: 'right' },
      { title: 'method' },
      { title: 'solver' },
      { title: 'reads', align: 'right' },
      { title: 'work', align: 'right' },
      { title: 'blocks' },
      { title: 'memory', align: 'right' },
    ],
    rows,
    style,
  );
  const passes = Object.entries(plan.passes).map(([method, count]) => `${method} ${count}`);
  return [
    ...lines,
    '',
    [
      formatPlural(plan.samples, 'training sample'),
      formatPlural(plan.queries, 'query', 'queries'),
      formatPlural(plan.layers.length, 'layer'),
    ].join(', '),
    `passes over the gradients: ${passes.join(', ')}`,
    `to read ${formatBytes(plan.bytesRead)}, to compute at most ${formatFlops(plan.flops)}`,
    `memory at most ${formatBytes(plan.peakBytes)} of ${formatBytes(plan.memoryBytes)}`,
    '',
  ].join('\n');
}
