// Sections about single samples: who stands out, and what the worst ones look like.
import { topK } from '../influence/top-k.js';
import { formatCount, formatEven, formatNumber, formatPlural } from './format.js';
import { sortedScores } from './figures.js';
import { html, type Markup } from './html.js';
import type { InfluenceResult } from '../influence/result.js';
import type { PictureSheet } from './input.js';
import { greyImage } from './picture.js';
import { robustScale } from './statistics.js';

/** Samples listed at each end. */
const LISTED = 10;
/** Other methods that still fit beside the score in half the width of the page. */
const SIDE_BY_SIDE = 3;
/** Robust z-score beyond which a sample counts as standing out: the usual rule for outliers (Iglewicz and Hoaglin). */
const OUTLYING = 3.5;

export interface NamedScores {
  readonly method: string;
  /** Mean over the queries; NaN for samples left out. */
  readonly scores: Float64Array;
}

export function sampleName(result: InfluenceResult, sample: number): string {
  return result.ids ? String(result.ids[sample]) : `#${sample}`;
}

const ends = { [1]: 'highest', [-1]: 'lowest' } as const;

/** Place of a sample in the order of topK, from 1. */
function placeOf(sample: number, scores: Float64Array, sign: 1 | -1): number {
  const own = sign * (scores[sample] as number);
  return (
    1 +
    scores.reduce(
      (before, score, i) => before + (sign * score > own || (sign * score === own && i < sample) ? 1 : 0),
      0,
    )
  );
}

function list(result: InfluenceResult, leading: NamedScores, others: readonly NamedScores[], sign: 1 | -1): Markup {
  const samples = topK(leading.scores, LISTED, { order: ends[sign] });
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th class="number">#</th>
          <th>sample</th>
          <th class="number">score</th>
          ${others.map(({ method }) => html`<th class="number">${method}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${samples.map(
          ({ index, score }, place) =>
            html`<tr>
              <td class="number">${place + 1}</td>
              <td class="id"><span class="wrap">${sampleName(result, index)}</span></td>
              <td class="number">${formatEven(score)}</td>
              ${others.map(({ scores }) => html`<td class="number">${formatCount(placeOf(index, scores, sign))}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Which samples stand out, by the leading method, with their places by the other methods. */
export function extremesSection(result: InfluenceResult, all: readonly NamedScores[], leading: NamedScores): Markup {
  const { median, deviation } = robustScale(leading.scores);
  const [low, high] = [median - OUTLYING * deviation, median + OUTLYING * deviation];
  const above = leading.scores.filter((score) => score > high).length;
  const below = leading.scores.filter((score) => score < low).length;
  const others = all.filter(({ method }) => method !== leading.method);
  const harmfulSign = result.convention === 'proponent' ? -1 : 1;
  const [harmful, helpful] = harmfulSign === 1 ? [above, below] : [below, above];
  return html`<section id="extremes">
    <h2>Samples that stand out</h2>
    <p>
      By ${leading.method}, ${formatPlural(harmful, 'sample')} ${harmful === 1 ? 'is' : 'are'} far out on the
      <span class="harmful">harmful</span> side and ${formatCount(helpful)} on the
      <span class="helpful">helpful</span> side: more than ${OUTLYING} robust standard deviations from the median.
    </p>
    <figure>
      ${sortedScores(leading.scores, low, high, harmfulSign)}
      <figcaption>
        All ${formatCount(result.samples)} samples from the lowest to the highest ${leading.method} score. Dots lie
        beyond the dotted lines, at ${formatNumber(low, 3)} and ${formatNumber(high, 3)}. A flat middle with steep ends
        means that few samples carry most of the influence.
      </figcaption>
    </figure>
    <div class="columns ${others.length > SIDE_BY_SIDE && 'stacked'}">
      <div>
        <h3 class="harmful">Most harmful</h3>
        ${list(result, leading, others, harmfulSign)}
      </div>
      <div>
        <h3 class="helpful">Most helpful</h3>
        ${list(result, leading, others, harmfulSign === 1 ? -1 : 1)}
      </div>
    </div>
    ${
      others.length > 0 &&
      html`<p class="note">
        The columns on the right tell the sample's place in the other rankings: small numbers mean that the methods
        agree on it.
      </p>`
    }
  </section>`;
}

/** Small images of samples. */
export function picturesSection(sheet: PictureSheet): Markup {
  return html`<section id="pictures">
    <h2>What they look like</h2>
    <p>${sheet.caption}</p>
    <ul class="pictures">
      ${sheet.pictures.map(
        ({ pixels, title, note, marked }) =>
          html`<li class="${marked ? 'marked' : 'plain'}">
            <img
              alt="${title}"
              src="${greyImage(pixels, sheet.width, sheet.height)}"
              width="${sheet.width}"
              height="${sheet.height}"
            /><b>${title}</b>${note}
          </li>`,
      )}
    </ul>
  </section>`;
}
