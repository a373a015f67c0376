import * as Plot from '@observablehq/plot';
import { draw, WIDTH } from './drawing.js';
import type { Markup } from './html.js';

/** Cells narrower than this hold no number. */
const LEAST_SIDE = 40;

const formatRho = (rho: number) => (Number.isNaN(rho) ? '\u2013' : rho.toFixed(3).replace('-', '\u2212'));

/** A number in [-1, 1] for each pair of names, and 1 for each with itself: rank correlations, cosines. */
export function pairMap(names: readonly string[], value: (a: number, b: number) => number, label: string): Markup {
  const cells = names.flatMap((row, i) =>
    names.slice(0, i + 1).map((column, j) => ({ row, column, rho: i === j ? 1 : value(i, j), same: i === j })),
  );
  const longest = Math.max(...names.map((name) => name.length));
  const left = Math.min(260, 18 + 7 * longest);
  const side = Math.min(92, (WIDTH - left - 12) / names.length);
  const upright = 7 * longest > side;
  return draw(
    {
      width: 12 + left + side * names.length,
      height: 40 + (upright ? 5 * longest : 0) + Math.max(18, 0.6 * side) * names.length,
      marginLeft: left,
      marginTop: 4,
      marginBottom: upright ? 24 + 5 * longest : 30,
      x: { label: null, domain: [...names], tickSize: 0, tickRotate: upright ? -40 : 0 },
      y: { label: null, domain: [...names], tickSize: 0 },
      marks: [
        Plot.cell(cells, {
          x: 'column',
          y: 'row',
          inset: names.length > 16 ? 0.5 : 1.5,
          rx: names.length > 16 ? 1 : 4,
          fill: (d: { rho: number }) => (d.rho < 0 ? 'var(--cell-negative)' : 'var(--cell)'),
          fillOpacity: (d: { rho: number; same: boolean }) => (d.same ? 0.08 : 0.12 + 0.88 * Math.abs(d.rho || 0)),
        }),
        side >= LEAST_SIDE
          ? Plot.text(cells, {
              x: 'column',
              y: 'row',
              text: (d: { rho: number; same: boolean }) => (d.same ? '' : formatRho(d.rho)),
              fill: 'var(--ink)',
              fontSize: 13,
            })
          : null,
      ],
      opacity: { type: 'identity' },
    },
    label,
  );
}
