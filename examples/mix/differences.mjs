// One figure: how far each mixture ends from uniform, seed by seed.
import * as Plot from '@observablehq/plot';
import { seriesColour } from 'gradsift/report';
import { parseHTML } from 'linkedom';
import { methodsOf } from './results.mjs';
import { paired } from './statistics.mjs';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** A row this many times as far from uniform as the median one would hide the others. */
const FAR = 10;

/** The figure, and the rows that are too far out for it. */
export function differencesFigure(collected, experiment) {
  const all = methodsOf(collected, experiment);
  const found = all.slice(1).map((method) => ({ method, ...paired(collected, experiment, method, 'uniform') }));
  const sizes = found.map(({ mean }) => Math.abs(mean)).sort((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)];
  const isFar = (row) => median > 0 && Math.abs(row.mean) > FAR * median;
  const rows = found.filter((row) => !isFar(row));
  const colour = ({ method }) => seriesColour(all.indexOf(method));
  const dots = rows.flatMap(({ method, differences }) => differences.map((value) => ({ method, value })));
  const reach = 1.1 * Math.max(1e-3, ...dots.map(({ value }) => Math.abs(value)));
  const shown = rows.filter(({ half }) => Number.isFinite(half));
  const figure = Plot.plot({
    ...{ document, width: 760, height: 60 + 30 * rows.length, marginLeft: 120, marginBottom: 40 },
    color: { type: 'identity' },
    x: { label: 'bits a byte beside uniform', labelAnchor: 'center', domain: [-reach, reach], grid: true, ticks: 7 },
    y: { label: null, domain: rows.map(({ method }) => method), tickSize: 0 },
    marks: [
      Plot.ruleX([0], { stroke: 'var(--line-strong)' }),
      Plot.ruleY(shown, {
        ...{ y: 'method', x1: (row) => row.mean - row.half, x2: (row) => row.mean + row.half },
        ...{ stroke: colour, strokeWidth: 6, strokeOpacity: 0.3, clip: true },
      }),
      Plot.tickX(rows, { y: 'method', x: 'mean', stroke: colour, strokeWidth: 2, inset: 6 }),
      Plot.dot(dots, { y: 'method', x: 'value', r: 4, fill: colour }),
    ],
  });
  figure.setAttribute('role', 'img');
  figure.setAttribute('aria-label', 'Test loss beside uniform, by mixture and seed');
  return { figure: { markup: figure.outerHTML }, far: found.filter(isFar) };
}
