// The figures of clusters: where a target set lies in a corpus, and what drawing by it repeats.
import * as Plot from '@observablehq/plot';
import { draw, seriesColour } from './drawing.js';
import { formatCount, formatNumber, formatShare } from './format.js';
import type { Markup } from './html.js';

/** A cluster's share of the corpus, of the target set, and of what will be drawn. */
export interface ClusterShare {
  readonly cluster: string;
  readonly generic: number;
  readonly target: number;
  readonly weight: number;
}

export const TARGET_COLOUR = seriesColour(1);
export const CORPUS_COLOUR = seriesColour(0);

/** Shares of all clusters, in the order of the tree: the target upwards, the corpus downwards. */
export function clusterHistogram(shares: readonly ClusterShare[]): Markup {
  const bars = shares.map(({ generic, target }, place) => ({ place, generic: -generic, target }));
  const name = (place: number) => shares[place]?.cluster ?? '';
  const every = Math.max(1, Math.ceil(shares.length / 16));
  return draw(
    {
      height: 300,
      marginLeft: 54,
      marginBottom: 36,
      x: {
        type: 'band',
        label: 'cluster',
        labelAnchor: 'center',
        ticks: bars.map(({ place }) => place).filter((place) => place % every === 0),
        tickFormat: name,
        tickSize: 0,
        padding: shares.length > 100 ? 0 : 0.15,
      },
      y: { label: null, grid: true, ticks: 6, tickFormat: (share: number) => formatShare(Math.abs(share)) },
      marks: [
        Plot.barY(bars, { x: 'place', y: 'target', fill: TARGET_COLOUR }),
        Plot.barY(bars, { x: 'place', y: 'generic', fill: CORPUS_COLOUR }),
        Plot.ruleY([0], { stroke: 'var(--line-strong)' }),
      ],
    },
    'Share of each cluster in the target set and in the corpus',
  );
}

interface CurvePoint {
  readonly corpus: number;
  readonly drawn: number;
}

/** How much of what is drawn comes from how much of the corpus: clusters in order of weight over share. */
export function concentrationCurve(shares: readonly ClusterShare[]): CurvePoint[] {
  const order = [...shares].sort((a, b) => b.weight / b.generic - a.weight / a.generic);
  const points: CurvePoint[] = [{ corpus: 0, drawn: 0 }];
  let [corpus, drawn] = [0, 0];
  for (const { generic, weight } of order) {
    corpus += generic;
    drawn += weight;
    points.push({ corpus, drawn });
  }
  return points;
}

/** The smallest share of the corpus that gives this share of what is drawn. */
export function corpusShareOf(points: readonly CurvePoint[], drawn: number): number {
  const at = points.findIndex((point) => point.drawn >= drawn - 1e-12);
  if (at <= 0) return at < 0 ? 1 : 0;
  const [before, after] = [points[at - 1] as CurvePoint, points[at] as CurvePoint];
  const part = after.drawn > before.drawn ? (drawn - before.drawn) / (after.drawn - before.drawn) : 1;
  return before.corpus + part * (after.corpus - before.corpus);
}

export function concentrationFigure(points: readonly CurvePoint[]): Markup {
  const half = corpusShareOf(points, 0.5);
  const step = Math.max(1, Math.floor(points.length / 1000));
  const line = points.filter((_, index) => index % step === 0 || index === points.length - 1);
  const axis = { domain: [0, 1], tickFormat: formatShare, ticks: 5, grid: true } as const;
  return draw(
    {
      width: 460,
      height: 330,
      marginLeft: 54,
      marginTop: 28,
      marginBottom: 42,
      x: { ...axis, label: 'share of the corpus, most sought first', labelAnchor: 'center' },
      y: { ...axis, label: 'share of what is drawn' },
      marks: [
        Plot.line([0, 1], { x: (d: number) => d, y: (d: number) => d, stroke: 'var(--muted)', strokeDasharray: '2 4' }),
        Plot.areaY(line, { x: 'corpus', y: 'drawn', fill: CORPUS_COLOUR, fillOpacity: 0.1 }),
        Plot.line(line, { x: 'corpus', y: 'drawn', stroke: CORPUS_COLOUR, strokeWidth: 2.5 }),
        Plot.ruleX([half], { y1: 0, y2: 0.5, stroke: 'var(--ink)', strokeDasharray: '3 3' }),
        Plot.ruleY([0.5], { x1: 0, x2: half, stroke: 'var(--ink)', strokeDasharray: '3 3' }),
        Plot.dot([{ corpus: half, drawn: 0.5 }], { x: 'corpus', y: 'drawn', r: 4, fill: 'var(--ink)' }),
        Plot.text([{ corpus: half, drawn: 0.5 }], {
          x: 'corpus',
          y: 'drawn',
          text: () => `half of it from ${formatShare(half)}`,
          textAnchor: 'start',
          dx: 10,
          dy: 12,
          fill: 'var(--ink)',
        }),
      ],
    },
    'Share of what is drawn against the share of the corpus it comes from',
  );
}

/** Upper ends of the bins of epochs. */
const EPOCH_ENDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, Infinity];

/** How much of the budget goes to clusters passed over how often. */
export function epochBins(shares: readonly ClusterShare[], epochs: Readonly<Record<string, number>>) {
  const bins = EPOCH_ENDS.map((end, index) => ({
    name: Number.isFinite(end)
      ? `${formatNumber(EPOCH_ENDS[index - 1] ?? 0)} \u2013 ${formatNumber(end)}`
      : `over ${EPOCH_ENDS.at(-2)}`,
    drawn: 0,
    clusters: 0,
  }));
  for (const { cluster, weight } of shares) {
    if (weight === 0) continue;
    const bin = bins[EPOCH_ENDS.findIndex((end) => (epochs[cluster] ?? 0) <= end * (1 + 1e-12))];
    if (bin === undefined) continue;
    bin.drawn += weight;
    bin.clusters += 1;
  }
  const last = bins.findLastIndex(({ clusters }) => clusters > 0);
  return bins.slice(0, Math.max(3, last + 1));
}

export function epochFigure(bins: ReturnType<typeof epochBins>): Markup {
  return draw(
    {
      height: 230,
      marginLeft: 54,
      marginBottom: 42,
      x: {
        type: 'band',
        label: 'passes over the cluster',
        labelAnchor: 'center',
        domain: bins.map(({ name }) => name),
        tickSize: 0,
        padding: 0.2,
      },
      y: { label: 'share of what is drawn', grid: true, ticks: 5, tickFormat: formatShare },
      marks: [
        Plot.barY(bins, { x: 'name', y: 'drawn', fill: CORPUS_COLOUR }),
        Plot.text(
          bins.filter(({ clusters }) => clusters > 0),
          {
            x: 'name',
            y: 'drawn',
            dy: -8,
            text: ({ clusters }: { clusters: number }) =>
              `${formatCount(clusters)} ${clusters === 1 ? 'cluster' : 'clusters'}`,
            fill: 'var(--muted)',
          },
        ),
        Plot.ruleY([0], { stroke: 'var(--line-strong)' }),
      ],
    },
    'Share of what is drawn, by the passes over its cluster',
  );
}
