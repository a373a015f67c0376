import { formatCount, formatNumber, formatPlural, formatSeconds } from './format.js';
import { html, type Markup } from './html.js';
import { detectionSection } from './detection.js';
import type { InfluenceResult } from '../influence/result.js';
import type { ReportExtras } from './input.js';
import { agreementSection, certificatesSection, layersSection, skippedSection, spreadSection } from './methods.js';
import { extremesSection, picturesSection, type NamedScores } from './ranking.js';
import { factList, pageText, provenanceSection } from './page-parts.js';

/** Mean over the queries; a sample that was left out is NaN. */
function meanScores(queries: readonly Float64Array[], samples: number): Float64Array {
  const sum = new Float64Array(samples);
  for (const scores of queries) {
    for (let i = 0; i < samples; ++i) sum[i] = (sum[i] as number) + (scores[i] as number);
  }
  return sum.map((value) => value / queries.length);
}

function facts(result: InfluenceResult): Markup {
  const methods = Object.values(result.methods);
  const seconds = methods.reduce((sum, method) => sum + method.seconds, 0);
  const items: [string, string][] = [
    ['samples', formatCount(result.samples)],
    ['layers', formatCount(methods[0]?.layers.length ?? 0)],
    ['queries', result.queries.length === 1 ? String(result.queries[0]) : formatCount(result.queries.length)],
    ['methods', formatCount(methods.length)],
    ['time', formatSeconds(seconds)],
  ];
  return factList(items);
}

function convention(result: InfluenceResult): Markup {
  return result.convention === 'proponent'
    ? html`<p>
        A <span class="helpful">positive score is helpful</span>: training more on the sample lowers the validation
        loss. A <span class="harmful">negative one is harmful</span>.
      </p>`
    : html`<p>
        A <span class="harmful">positive score is harmful</span>: training more on the sample raises the validation
        loss. A <span class="helpful">negative one is helpful</span>.
      </p>`;
}

function warnings(result: InfluenceResult): Markup | null {
  const bad = Object.entries(result.methods).filter(([, { status }]) => status !== 'ok');
  if (bad.length === 0) return null;
  return html`<p class="warning">
    ${bad.map(([name, { status }]) => `${name}: ${status}. `)}These scores are worth a second look: see
    <a href="#certificates">how well the equations were solved</a>.
  </p>`;
}

/** The options that decide the numbers, in words. */
function settings({ preset, side, fisherScale, gramPrecision, damping, dampingRatio }: InfluenceResult['options']) {
  const rows: [string, string][] = [
    ['side kept', side],
    ['Fisher scale', fisherScale],
    ['curvature summed in', gramPrecision],
    damping === null
      ? ['damping', `${formatNumber(dampingRatio)} \u00d7 the mean squared gradient entry`]
      : ['damping', `${formatNumber(damping)}, absolute`],
  ];
  return preset === null ? rows : [['preset', preset] as [string, string], ...rows];
}

function provenance(result: InfluenceResult, options: Readonly<Record<string, string>>): Markup {
  const rows: [string, string][] = [
    ...Object.entries(options),
    ...settings(result.options),
    ['convention', result.convention],
    ['software', `gradsift ${result.version}, ${result.isa}, ${formatPlural(result.threads, 'thread')}`],
  ];
  return provenanceSection(result.inputs, rows);
}

/**
 * One self-contained HTML page about an influence result: which samples stand out, how the scores are spread, where
 * they come from, whether the methods agree and how well they were solved. No script, no network; light and dark.
 *
 * `extras.detection` adds curves of known bad samples found, `extras.pictures` draws samples as small images.
 */
export function influenceReport(result: InfluenceResult, extras: ReportExtras = {}): string {
  const methods = Object.keys(result.methods);
  const title = extras.title ?? 'Influence of the training samples';
  const all: NamedScores[] = Object.entries(result.methods).map(([method, { scores }]) => ({
    method,
    scores: meanScores(scores, result.samples),
  }));
  const leading = all.find(({ method }) => method === extras.leading) ?? all[0];
  const summary =
    extras.summary ??
    `${formatPlural(result.samples, 'training sample')} scored by ${methods.join(', ')}` +
      (result.queries.length === 1
        ? '.'
        : `, on average over ${formatPlural(result.queries.length, 'query', 'queries')}.`);
  return pageText(
    title,
    html`<p class="lead">${summary}</p>
      ${convention(result)} ${warnings(result)} ${facts(result)}
      ${extras.detection && detectionSection(extras.detection, methods, leading?.method)}
      ${leading && extremesSection(result, all, leading)} ${extras.pictures && picturesSection(extras.pictures)}
      ${spreadSection(result, all)} ${layersSection(result)} ${agreementSection(all)}
      ${certificatesSection(result, leading?.method)} ${skippedSection(result)}
      ${provenance(result, extras.options ?? {})}`,
    result.version,
  );
}
