// The result as text for people: who stands out, and whether the numbers can be trusted.
import type { InfluenceResult, MethodResult } from '../influence/result.js';
import type { Ranked } from '../influence/top-k.js';
import { formatCount, formatEven, formatNumber, formatPlural, formatSeconds } from '../report/format.js';
import { scoreLists, type ScoreList } from './score-lists.js';
import { textTable, type Style } from './text-table.js';

/** Samples listed at each end when --top does not say. */
const LISTED = 10;
/** Queries shown in full; the rest is for csv and json. */
const QUERIES = 3;

function listLines(
  { method, query, harmful, helpful }: ScoreList,
  { ids, queries }: InfluenceResult,
  style: Style,
): string[] {
  const name = (ranked: Ranked | undefined) => (ranked ? String(ids ? ids[ranked.index] : ranked.index) : '');
  const score = (ranked: Ranked | undefined) => (ranked ? formatEven(ranked.score).replace('\u2212', '-') : '');
  const rows = Array.from({ length: Math.max(harmful.length, helpful.length) }, (_, k) => [
    String(k + 1),
    name(harmful[k]),
    score(harmful[k]),
    name(helpful[k]),
    score(helpful[k]),
  ]);
  const right = 'right' as const;
  return [
    style.bold(queries.length === 1 ? method : `${method}, query ${query}`),
    ...textTable(
      [
        { title: '', align: right },
        { title: 'most harmful' },
        { title: 'score', align: right },
        { title: 'most helpful' },
        { title: 'score', align: right },
      ],
      rows,
      style,
    ),
    '',
  ];
}

function certificateLines(methods: readonly (readonly [string, MethodResult])[], style: Style): string[] {
  const rows = methods.map(([name, { status, layers, passes, seconds }]) => {
    const residuals = layers.flatMap(({ residual }) => (residual === null ? [] : [residual]));
    const solvers = [...new Set(layers.map(({ solver }) => solver))].join(', ');
    const worst = residuals.length > 0 ? formatNumber(residuals.reduce((a, b) => Math.max(a, b))) : '-';
    return [name, status, solvers, worst, String(passes), formatSeconds(seconds)];
  });
  const right = 'right' as const;
  return textTable(
    [
      { title: 'method' },
      { title: 'status' },
      { title: 'solver' },
      { title: 'worst residual', align: right },
      { title: 'passes', align: right },
      { title: 'time', align: right },
    ],
    rows,
    style,
  );
}

/** `--format table`. */
export function resultText(result: InfluenceResult, top: number | undefined, style: Style): string {
  const lists = scoreLists(result, top ?? LISTED);
  const shown = lists.filter(({ query }) => result.queries.indexOf(query) < QUERIES);
  const { samples, queries, convention, skipped, skippedLayers } = result;
  const sign = convention === 'proponent' ? 'positive is helpful' : 'positive is harmful';
  const lines = [
    `${formatPlural(samples, 'training sample')}, ${formatPlural(queries.length, 'query', 'queries')}; ` +
      `${sign} (${convention})`,
    '',
    ...shown.flatMap((list) => listLines(list, result, style)),
  ];
  if (shown.length < lists.length) {
    lines.push(`the first ${QUERIES} of ${formatCount(queries.length)} queries; --format csv or json has them all`, '');
  }
  lines.push(...certificateLines(Object.entries(result.methods), style));
  if (skipped.length > 0) lines.push('', `left out: ${formatPlural(skipped.length, 'sample')} with NaN or infinity`);
  if (skippedLayers.length > 0) lines.push('', `all zero, adding nothing: ${skippedLayers.join(', ')}`);
  return `${lines.join('\n')}\n`;
}
