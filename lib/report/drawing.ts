// A figure as SVG text. Colours are CSS variables of the page, so that one drawing suits both themes.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { trusted, type Markup } from './html.js';

// The types of both libraries speak of the DOM, which this project has no types for: these are the parts in use.
interface Drawing {
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
}
const { document } = parseHTML('<!doctype html><html><body></body></html>') as unknown as { document: unknown };

/** Width of the text column in the units of the drawings; the page scales them down on small screens. */
export const WIDTH = 760;

/** Colours that the page has for series. */
export const SERIES_COLOURS = 8;

/** The colour of the series at a place: one hue a series, the same in every figure. */
export function seriesColour(index: number): string {
  return `var(--series-${(index % SERIES_COLOURS) + 1})`;
}

export function draw(options: Plot.PlotOptions, label: string): Markup {
  const where = { document } as Plot.PlotOptions;
  const figure = Plot.plot({ width: WIDTH, color: { type: 'identity' }, ...options, ...where }) as unknown as Drawing;
  figure.setAttribute('role', 'img');
  figure.setAttribute('aria-label', label);
  return trusted(figure.outerHTML);
}
