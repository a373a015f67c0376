// The figures of mixtures and of what they were learned from.
import * as Plot from '@observablehq/plot';
import { draw, seriesColour, SERIES_COLOURS, WIDTH } from './drawing.js';
import { formatCount, formatNumber, formatShare } from './format.js';
import type { Markup } from './html.js';

/** A number of a domain over a run: its weight, its loss. */
export interface DomainLine {
  readonly domain: string;
  /** x ascending; points whose y is no number are left out. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** How {@link domainLines} draws. */
export interface DomainLinesOptions {
  /** What the figure shows, for those who cannot see it. */
  readonly label: string;
  /** Names of the axes. */
  readonly x: string;
  readonly y: string;
  /** Shares from 0, in percent. Otherwise the axis covers the numbers. */
  readonly share?: boolean | undefined;
  /** A dashed line across: uniform weights, say. */
  readonly reference?: number | undefined;
  /** Default 320. */
  readonly height?: number | undefined;
  /** Most points of a line, each the mean of a run of steps; default 400, fewer where single steps are noise. */
  readonly points?: number | undefined;
}

/** Between the baselines of two labels, in the units of the drawing. */
const LABEL_STEP = 14;

/** The colour of a domain by its place, the same in every figure of a report; grey beyond the colours there are. */
export function domainColour(place: number): string {
  return place < SERIES_COLOURS ? seriesColour(place) : 'var(--line-strong)';
}

/** Means of runs of points. */
function thinned(points: DomainLine['points'], most: number): DomainLine['points'] {
  const known = points.filter(({ y }) => Number.isFinite(y));
  if (known.length <= most) return known;
  return Array.from({ length: most }, (_, bin) => {
    const run = known.slice(Math.floor((bin * known.length) / most), Math.floor(((bin + 1) * known.length) / most));
    const mean = (key: 'x' | 'y') => run.reduce((sum, point) => sum + point[key], 0) / run.length;
    return { x: mean('x'), y: mean('y') };
  });
}

/** Heights at which labels do not touch: each as near to its own as the others, in their order, allow. */
function apart(heights: readonly number[], top: number, bottom: number): number[] {
  const order = heights.map((_, index) => index).sort((a, b) => (heights[a] as number) - (heights[b] as number));
  const placed = [...heights];
  let above = top - LABEL_STEP;
  for (const index of order) above = placed[index] = Math.max(heights[index] as number, above + LABEL_STEP);
  let below = bottom + LABEL_STEP;
  for (const index of order.reverse()) below = placed[index] = Math.min(placed[index] as number, below - LABEL_STEP);
  return placed;
}

/**
 * A line for each domain, its name at its end. The first eight domains have colours and names, or all of few: hand them
 * over in the order of what matters.
 */
export function domainLines(lines: readonly DomainLine[], options: DomainLinesOptions): Markup {
  const { label, x, y, share = false, reference, height = 320, points: most = 400 } = options;
  const drawn = lines.map(({ domain, points }) => ({ domain, points: thinned(points, most) }));
  const all = drawn.flatMap(({ points }) => points);
  const ys = [...all.map((point) => point.y), ...(reference === undefined ? [] : [reference])];
  const range = (values: readonly number[]) => [Math.min(...values), Math.max(...values)] as const;
  const [least, largest] = ys.length > 0 ? range(ys) : [0, 1];
  const room = 0.04 * (largest - least || Math.abs(largest) || 1);
  const [low, high] = share ? [0, Math.max(1.08 * largest, 1e-3)] : [least - room, largest + room];
  const [left, right] = range(all.length > 0 ? all.map((point) => point.x) : [0, 1]);
  const [marginTop, marginBottom] = [24, 40];
  const named = drawn.slice(0, SERIES_COLOURS).filter(({ points }) => points.length > 0);
  const toHeight = (value: number) => marginTop + ((high - value) / (high - low)) * (height - marginTop - marginBottom);
  const ends = named.map(({ points }) => points.at(-1) as { x: number; y: number });
  const placed = apart(
    ends.map((end) => toHeight(end.y)),
    marginTop,
    height - marginBottom,
  );
  const longest = Math.max(4, ...named.map(({ domain }) => domain.length));
  const lineOf = (
    { points }: (typeof drawn)[number],
    index: number, // grey lines first, so that they lie below
  ) => Plot.line(points, { x: 'x', y: 'y', stroke: domainColour(index), strokeWidth: index < SERIES_COLOURS ? 2 : 1 });
  return draw(
    {
      height,
      marginLeft: 56,
      marginTop,
      marginBottom,
      marginRight: Math.min(220, 18 + 7 * longest),
      x: { label: x, labelAnchor: 'center', ticks: Math.min(6, Math.max(1, right - left)), tickFormat: formatCount },
      y: {
        label: y,
        domain: [low, high],
        grid: true,
        ticks: 5,
        tickFormat: share ? formatShare : (value: number) => formatNumber(value, 3),
      },
      marks: [
        Plot.ruleY(share ? [0] : [], { stroke: 'var(--line-strong)' }),
        Plot.ruleY(reference === undefined ? [] : [reference], { stroke: 'var(--muted)', strokeDasharray: '2 4' }),
        ...drawn.map(lineOf).reverse(),
        ...named.flatMap(({ domain, points }, index) => [
          // A run of one step is a dot.
          Plot.dot(points.length === 1 ? points : [], { x: 'x', y: 'y', r: 3, fill: domainColour(index) }),
          Plot.text([domain], {
            x: right,
            y: (ends[index] as { y: number }).y,
            dy: (placed[index] as number) - toHeight((ends[index] as { y: number }).y),
            dx: 8,
            textAnchor: 'start',
            fill: domainColour(index),
            text: [domain],
            fontWeight: 600,
          }),
        ]),
      ],
    },
    label,
  );
}

/** A domain's weight before and after. */
export interface WeightChange {
  readonly domain: string;
  readonly from: number;
  readonly to: number;
}

/** One row a domain: a ring where it began, a dot where it ended. */
export function weightChanges(changes: readonly WeightChange[], colour = domainColour): Markup {
  const longest = Math.max(4, ...changes.map(({ domain }) => domain.length));
  const most = Math.max(...changes.flatMap(({ from, to }) => [from, to]));
  const places = new Map(changes.map(({ domain }, index) => [domain, index]));
  const own = ({ domain }: WeightChange) => colour(places.get(domain) as number);
  return draw(
    {
      height: 46 + 24 * changes.length,
      marginLeft: Math.min(260, 14 + 7 * longest),
      marginRight: 60,
      marginTop: 8,
      marginBottom: 38,
      x: { label: 'weight', domain: [0, 1.02 * most], tickFormat: formatShare, ticks: 6, grid: true },
      y: { label: null, domain: changes.map(({ domain }) => domain), tickSize: 0 },
      marks: [
        Plot.ruleX([0], { stroke: 'var(--line-strong)' }),
        Plot.ruleY(changes, { x1: 'from', x2: 'to', y: 'domain', stroke: own, strokeWidth: 2, strokeOpacity: 0.5 }),
        Plot.dot(changes, { x: 'from', y: 'domain', r: 4, fill: 'var(--paper)', stroke: 'var(--muted)' }),
        Plot.dot(changes, { x: 'to', y: 'domain', r: 5.5, fill: own }),
        Plot.text(changes, {
          y: 'domain',
          text: ({ to }: WeightChange) => formatShare(to),
          frameAnchor: 'right',
          textAnchor: 'end',
          dx: 48,
          fill: 'var(--ink)',
        }),
      ],
    },
    'Weight of each domain before and after',
  );
}

/** What a rule was told of every domain at some steps. */
export interface ScoreColumn {
  readonly step: number;
  /** In the order of the domains; NaN where there is none. */
  readonly scores: readonly number[];
}

/** Columns of a map of scores over steps. */
const MOST_COLUMNS = 60;

/** A row a domain, a column for each step or run of steps: sign by colour, size by its strength beside the largest. */
export function scoreMap(
  domains: readonly string[],
  columns: readonly ScoreColumn[],
  x: string,
  label: string,
): Markup {
  const bins = Math.min(MOST_COLUMNS, columns.length);
  const cells = Array.from({ length: bins }, (_, bin) => {
    const start = Math.floor((bin * columns.length) / bins);
    const end = Math.floor(((bin + 1) * columns.length) / bins);
    const run = columns.slice(start, end);
    return domains.map((domain, index) => {
      const known = run.map(({ scores }) => scores[index] as number).filter(Number.isFinite);
      const score = known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : NaN;
      return { domain, column: bin, step: (run[0] as ScoreColumn).step, score };
    });
  }).flat();
  const largest = Math.max(1e-300, ...cells.map(({ score }) => Math.abs(score || 0)));
  const longest = Math.max(4, ...domains.map((name) => name.length));
  const rowHeight = domains.length > 24 ? 12 : 22;
  const every = Math.max(1, Math.ceil(bins / 8));
  const stepOf = (column: number) => (cells[column * domains.length] as { step: number }).step;
  const width = Math.min(WIDTH, Math.min(260, 14 + 7 * longest) + 90 * bins + 20);
  return draw(
    {
      width: Math.max(300, width),
      height: 50 + rowHeight * domains.length,
      marginLeft: Math.min(260, 14 + 7 * longest),
      marginTop: 4,
      marginBottom: 40,
      x: {
        type: 'band',
        label: x,
        labelAnchor: 'center',
        tickSize: 0,
        ticks: Array.from({ length: bins }, (_, column) => column).filter((column) => column % every === 0),
        tickFormat: (column: number) => formatCount(stepOf(column)),
        padding: 0.06,
      },
      y: { label: null, domain: [...domains], tickSize: 0, padding: 0.1 },
      marks: [
        Plot.cell(
          cells.filter(({ score }) => Number.isFinite(score)),
          {
            x: 'column',
            y: 'domain',
            rx: 1.5,
            fill: ({ score }: { score: number }) => (score < 0 ? 'var(--harmful)' : 'var(--series-1)'),
            fillOpacity: ({ score }: { score: number }) => 0.06 + (0.94 * Math.abs(score)) / largest,
          },
        ),
      ],
      opacity: { type: 'identity' },
    },
    label,
  );
}
