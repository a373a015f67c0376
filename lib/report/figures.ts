// The figures of an influence report.
import * as Plot from '@observablehq/plot';
import { formatCount, formatNumber, formatShare } from './format.js';
import { draw, seriesColour, WIDTH } from './drawing.js';
import type { Markup } from './html.js';
import { histogram, quantile, finite, mean, standardDeviation } from './statistics.js';
import type { DetectionStudy } from './input.js';

const HARMFUL = 'var(--harmful)';
const HELPFUL = 'var(--helpful)';

/** Scores in ascending order; samples below `low` and above `high` are dots. */
export function sortedScores(scores: ArrayLike<number>, low: number, high: number, harmfulSign: 1 | -1): Markup {
  const sorted = finite(scores).sort();
  const last = Math.max(1, sorted.length - 1);
  // A line needs no more points than pixels; the ends, where every sample counts, keep all of theirs.
  const step = Math.max(1, Math.floor(sorted.length / 2000));
  const points = Array.from(sorted, (score, rank) => ({ score, share: rank / last })).filter(
    (_, rank) => rank % step === 0 || rank < 200 || rank > last - 200,
  );
  const extremes = points.filter(({ score }) => score < low || score > high);
  return draw(
    {
      height: 260,
      marginLeft: 64,
      marginBottom: 40,
      x: { label: 'samples, in order of their score', tickFormat: formatShare, ticks: 5, domain: [0, 1] },
      y: { label: 'score', grid: true, ticks: 5, tickFormat: (d: number) => formatNumber(d, 3) },
      marks: [
        Plot.ruleY([0], { stroke: 'var(--line-strong)' }),
        Plot.ruleY([low, high], { stroke: 'var(--muted)', strokeDasharray: '2 4' }),
        Plot.lineY(points, { x: 'share', y: 'score', stroke: 'var(--ink)', strokeWidth: 1.5 }),
        Plot.dot(extremes, {
          x: 'share',
          y: 'score',
          r: 2.6,
          fill: (d: { score: number }) => (d.score * harmfulSign > 0 ? HARMFUL : HELPFUL),
        }),
      ],
    },
    'Scores of all samples in ascending order',
  );
}

/** How many samples have which score. */
export function scoreHistogram(scores: ArrayLike<number>, name: string, harmfulSign: 1 | -1): Markup {
  const bins = histogram(scores);
  const sorted = finite(scores).sort();
  const colour = (bin: { from: number; to: number }) => ((bin.from + bin.to) * harmfulSign > 0 ? HARMFUL : HELPFUL);
  return draw(
    {
      width: WIDTH / 2,
      height: 170,
      marginLeft: 44,
      marginRight: 16,
      marginBottom: 34,
      x: { label: null, ticks: 5, tickFormat: (d: number) => formatNumber(d, 3) },
      y: { label: 'samples', type: 'sqrt', ticks: 4, grid: true, tickFormat: formatCount },
      marks: [
        Plot.rectY(bins, { x1: 'from', x2: 'to', y: 'count', fill: colour, insetLeft: 0.5, insetRight: 0.5 }),
        Plot.ruleX([0], { stroke: 'var(--line-strong)' }),
        Plot.ruleX(sorted.length > 0 ? [quantile(sorted, 0.5)] : [], { stroke: 'var(--ink)', strokeWidth: 1.5 }),
        Plot.ruleY([0], { stroke: 'var(--line-strong)' }),
      ],
    },
    `Histogram of the ${name} scores`,
  );
}

export interface LayerShare {
  readonly layer: string;
  readonly method: string;
  readonly share: number;
}

/** Which layers the scores come from: one row a layer, one dot a method. */
export function layerShares(
  shares: readonly LayerShare[],
  layers: readonly string[],
  methods: readonly string[],
): Markup {
  const longest = Math.max(...layers.map((name) => name.length));
  return draw(
    {
      height: 46 + 24 * layers.length,
      marginLeft: Math.min(300, 14 + 6.6 * longest),
      marginTop: 8,
      marginBottom: 38,
      x: {
        label: 'share of the influence',
        domain: [0, Math.max(0.01, ...shares.map(({ share }) => share)) * 1.05],
        tickFormat: formatShare,
        ticks: 6,
        grid: true,
      },
      y: { label: null, domain: [...layers], tickSize: 0 },
      marks: [
        Plot.ruleY(
          shares,
          Plot.groupY({ x1: 'min', x2: 'max' }, { x: 'share', y: 'layer', stroke: 'var(--line-strong)' }),
        ),
        Plot.dot(shares, {
          x: 'share',
          y: 'layer',
          r: 5,
          fill: (d: LayerShare) => seriesColour(methods.indexOf(d.method)),
          stroke: 'var(--paper)',
          strokeWidth: 1,
        }),
      ],
    },
    'Share of each layer in the influence, by method',
  );
}

interface CurvePoint {
  readonly name: string;
  readonly inspected: number;
  readonly found: number;
  readonly low: number;
  readonly high: number;
}

function curvePoints(ranking: DetectionStudy['rankings'][number], steps = 200): CurvePoint[] {
  const length = (ranking.curves[0]?.length ?? 1) - 1;
  return Array.from({ length: steps + 1 }, (_, step) => {
    const inspected = Math.round((step / steps) * length);
    const found = ranking.curves.map((curve) => curve[inspected] as number);
    const [centre, spread] = [mean(found), standardDeviation(found)];
    const clamp = (value: number) => Math.min(1, Math.max(0, value));
    const { name } = ranking;
    return {
      name,
      inspected: inspected / length,
      found: centre,
      low: clamp(centre - spread),
      high: clamp(centre + spread),
    };
  });
}

/** More bands than this would hide the lines. */
const BANDS = 3;

/** The rankings that detectionCurves draws a band around: all of a few, else only the leading one. */
export function banded({ rankings }: DetectionStudy, leading: string | undefined): string[] {
  const methods = rankings.filter(({ baseline, curves }) => !baseline && curves.length > 1).map(({ name }) => name);
  return methods.length <= BANDS ? methods : methods.filter((name) => name === leading);
}

/** Detection curves: means over the runs, with bands of one standard deviation. Cut where all that matters is over. */
export function detectionCurves(
  study: DetectionStudy,
  leading: string | undefined,
  colour: (name: string) => string,
): Markup {
  const bands = new Set(banded(study, leading));
  const end = Math.min(1, Math.ceil(25 * study.marked) / 10);
  const solid = study.rankings.filter(({ baseline }) => !baseline).flatMap((ranking) => curvePoints(ranking));
  const dashed = study.rankings.filter(({ baseline }) => baseline).flatMap((ranking) => curvePoints(ranking));
  const line = { x: 'inspected', y: 'found', z: 'name', stroke: (d: CurvePoint) => colour(d.name), clip: true };
  const perfect = [
    { x: 0, y: 0 },
    { x: study.marked, y: 1 },
    { x: 1, y: 1 },
  ];
  return draw(
    {
      height: 400,
      marginLeft: 54,
      marginBottom: 42,
      x: { label: 'inspected, highest scores first', domain: [0, end], tickFormat: formatShare, ticks: 10, grid: true },
      y: { label: 'found', domain: [0, 1], tickFormat: formatShare, ticks: 5, grid: true },
      marks: [
        Plot.areaY(
          solid.filter(({ name }) => bands.has(name)),
          {
            x: 'inspected',
            y1: 'low',
            y2: 'high',
            z: 'name',
            fill: (d: CurvePoint) => colour(d.name),
            fillOpacity: 0.15,
            clip: true,
          },
        ),
        Plot.line(perfect, { x: 'x', y: 'y', stroke: 'var(--muted)', strokeDasharray: '1 4', clip: true }),
        Plot.line(dashed, { ...line, strokeDasharray: '6 4' }),
        Plot.line(
          solid.filter(({ name }) => name !== leading),
          { ...line, strokeWidth: 1.5 },
        ),
        Plot.line(
          solid.filter(({ name }) => name === leading),
          { ...line, strokeWidth: 3 },
        ),
      ],
    },
    'Share of the marked samples found against the share of the samples inspected',
  );
}
