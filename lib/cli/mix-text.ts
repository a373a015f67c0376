// A mixture as text for people and as CSV.
import { formatCount, formatNumber, formatPlural } from '../report/format.js';
import { effectiveDomains } from '../report/mixture-report.js';
import type { DomainWeights } from '../reweighting/domains.js';
import { mixtureText, type Mixture } from '../reweighting/mixture.js';
import { csvLine } from './csv.js';
import type { MixFormat } from './mix-format.js';
import { textTable, type Style } from './text-table.js';

/** Domains listed on a terminal. */
const LISTED = 40;

const right = 'right' as const;
const times = (from: number, to: number) => (from > 0 ? formatNumber(to / from, 3) : '-');

/** Lines of a mixture: the record itself, `domain,weight,before`, or a table, heaviest first. */
export function mixtureLines(mixture: Mixture, before: DomainWeights, format: MixFormat, style: Style): string[] {
  const rows = mixture.domains.map((domain) => ({ ...domain, from: before[domain.name] ?? NaN }));
  if (format === 'json') return [mixtureText(mixture)];
  if (format === 'csv') {
    return [
      csvLine(['domain', 'weight', 'before']),
      ...rows.map(({ name, weight, from }) => csvLine([name, weight, from])),
    ];
  }
  const sorted = [...rows].sort((a, b) => b.weight - a.weight);
  const tokens = rows.some((row) => row.tokens !== undefined);
  const shown = sorted
    .slice(0, LISTED)
    .map(({ name, weight, from, tokens: count }) => [
      name,
      weight.toFixed(4),
      from.toFixed(4),
      times(from, weight),
      ...(tokens ? [count === undefined ? '-' : formatCount(count)] : []),
    ]);
  const titles = ['weight', 'before', 'times', ...(tokens ? ['tokens'] : [])];
  const even = formatNumber(effectiveDomains(rows.map(({ weight }) => weight)), 3);
  const updates = mixture.step === null ? '' : `, ${formatPlural(mixture.step, 'update')}`;
  const lines = [
    ...textTable([{ title: 'domain' }, ...titles.map((title) => ({ title, align: right }))], shown, style),
    '',
    `${formatPlural(rows.length, 'domain')}, as even as ${even} equal weights; ${mixture.method}${updates}`,
  ];
  if (rows.length > LISTED) lines.push(`the ${LISTED} heaviest are shown; --format csv and json have all`);
  return [`${lines.join('\n')}\n`];
}
