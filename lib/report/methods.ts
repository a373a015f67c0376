// Sections about the methods: how scores are spread, where they come from, whether methods agree, how well they solved.
import { rankAgreement } from '../influence/rank-agreement.js';
import { seriesColour } from './drawing.js';
import { layerShares, scoreHistogram, type LayerShare } from './figures.js';
import { formatCount, formatEven, formatNumber, formatPlural, formatSeconds } from './format.js';
import { html, type Markup } from './html.js';
import type { InfluenceResult, LayerRecord, MethodResult } from '../influence/result.js';
import { pairMap } from './pair-map.js';
import type { NamedScores } from './ranking.js';

/** Layers drawn; the page of a model with hundreds of layers shows the ones that matter. */
const LAYERS_DRAWN = 24;
/** Samples listed one by one among those left out. */
const SKIPPED_LISTED = 50;

export function spreadSection(result: InfluenceResult, all: readonly NamedScores[]): Markup {
  const harmfulSign = result.convention === 'proponent' ? -1 : 1;
  return html`<section id="spread">
    <h2>How the scores are spread</h2>
    <div class="multiples">
      ${all.map(
        ({ method, scores }) =>
          html`<figure>
            <h3>${method}</h3>
            ${scoreHistogram(scores, method, harmfulSign)}
          </figure>`,
      )}
    </div>
    <figcaption>
      Samples by score, <span class="harmful">harmful</span> and <span class="helpful">helpful</span>; the upright line
      is the median. Heights are on a square-root scale, so that single samples far out stay visible. Each method has
      its own unit: compare shapes, not values.
    </figcaption>
  </section>`;
}

export function layersSection(result: InfluenceResult): Markup | null {
  const methods = Object.keys(result.methods);
  const shares = Object.entries(result.methods).flatMap(([method, { layers }]) =>
    layers.map(({ name, share }): LayerShare => ({ layer: name, method, share })),
  );
  const names = [...new Set(shares.map(({ layer }) => layer))];
  if (names.length === 0) return null;
  const largest = (name: string) => Math.max(...shares.filter(({ layer }) => layer === name).map(({ share }) => share));
  const kept = new Set([...names].sort((a, b) => largest(b) - largest(a)).slice(0, LAYERS_DRAWN));
  const drawn = names.filter((name) => kept.has(name));
  return html`<section id="layers">
    <h2>Which layers the influence comes from</h2>
    ${legend(methods.map((name, index) => ({ name, colour: seriesColour(index), kind: 'dot' })))}
    <figure>
      ${layerShares(
        shares.filter(({ layer }) => kept.has(layer)),
        drawn,
        methods,
      )}
      <figcaption>
        Sum of |score| over the samples in one layer, as a share of that sum over all layers.
        ${
          drawn.length < names.length &&
          `The ${formatCount(drawn.length)} largest of ${formatCount(names.length)} layers are drawn. `
        }A
        method that takes nearly everything from one layer tells little about the others.
      </figcaption>
    </figure>
  </section>`;
}

export function legend(items: readonly { name: string; colour: string; kind: string }[]): Markup {
  return html`<ul class="legend">
    ${items.map(
      ({ name, colour, kind }) =>
        html`<li>
          <i class="${kind}" style="${kind === 'dot' ? 'background' : 'border-color'}:${colour}"></i>${name}
        </li>`,
    )}
  </ul>`;
}

const correlation = (a: Float64Array, b: Float64Array) => rankAgreement(a, b).spearman ?? NaN;

export function agreementSection(all: readonly NamedScores[]): Markup | null {
  if (all.length < 2) return null;
  const names = all.map(({ method }) => method);
  const scores = all.map((each) => each.scores);
  const between = (a: number, b: number) => correlation(scores[a] as Float64Array, scores[b] as Float64Array);
  return html`<section id="agreement">
    <h2>Do the methods agree?</h2>
    <figure>
      ${pairMap(names, between, 'Rank correlation of each pair of methods')}
      <figcaption>
        Spearman rank correlation of each pair of rankings: 1 is the same order, 0 no relation, ${formatNumber(-1)} the
        reverse. Where methods disagree, look at the certificates below before trusting either.
      </figcaption>
    </figure>
  </section>`;
}

const GOOD: ReadonlySet<string> = new Set(['ok', 'skipped']);

function status(text: string): Markup {
  return html`<span class="status ${GOOD.has(text) ? 'good' : 'bad'}">${text}</span>`;
}

function condition({ lambdaMin, lambdaMax }: LayerRecord): number | null {
  return lambdaMin && lambdaMax && lambdaMin > 0 ? lambdaMax / lambdaMin : null;
}

function certificateTable(method: MethodResult): Markup {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>layer</th>
          <th class="number">shape</th>
          <th>solver</th>
          <th class="number">damping</th>
          <th class="number">steps</th>
          <th class="number">residual</th>
          <th class="number">eigenvalues</th>
          <th class="number">condition</th>
        </tr>
      </thead>
      <tbody>
        ${method.layers.map(
          (layer) =>
            html`<tr>
              <td class="id"><span class="wrap">${layer.name}</span></td>
              <td class="number">${layer.shape.map(formatCount).join(' \u00d7 ')}</td>
              <td>${layer.solver}${!GOOD.has(layer.status) && html` ${status(layer.status)}`}</td>
              <td class="number">${formatEven(layer.damping)}</td>
              <td class="number">${layer.steps > 0 ? formatCount(layer.steps) : '\u2013'}</td>
              <td class="number">${formatNumber(layer.residual, 3)}</td>
              <td class="number">${formatNumber(layer.lambdaMin, 3)} … ${formatNumber(layer.lambdaMax, 3)}</td>
              <td class="number">${formatNumber(condition(layer), 3)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function worstResidual({ layers }: MethodResult): number | null {
  const residuals = layers.flatMap(({ residual }) => (residual === null ? [] : [residual]));
  return residuals.length > 0 ? residuals.reduce((a, b) => Math.max(a, b)) : null;
}

export function certificatesSection(result: InfluenceResult, leading: string | undefined): Markup {
  const methods = Object.entries(result.methods);
  return html`<section id="certificates">
    <h2>How well the equations were solved</h2>
    <p>
      Each method multiplies the validation gradients by an inverse, layer by layer. The residual says how far that
      product is from what was asked for: 10<sup>−10</sup> or less is as good as exact. It is recomputed in float64 from
      the matrix itself, not taken from the solver.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>method</th>
            <th>status</th>
            <th class="number">worst residual</th>
            <th class="number">passes over the samples</th>
            <th class="number">time</th>
          </tr>
        </thead>
        <tbody>
          ${methods.map(
            ([name, method]) =>
              html`<tr>
                <td>${name}</td>
                <td>${status(method.status)}</td>
                <td class="number">${formatNumber(worstResidual(method), 3)}</td>
                <td class="number">${formatNumber(method.passes)}</td>
                <td class="number">${formatSeconds(method.seconds)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${methods.map(
      ([name, method]) =>
        html`<details ${name === leading && 'open'}>
          <summary>${name}: ${formatPlural(method.layers.length, 'layer')}</summary>
          ${certificateTable(method)}
        </details>`,
    )}
    <p class="note">
      Damping is the number added to the diagonal; eigenvalues are bounds for the damped matrix, and the condition their
      ratio. A dash: not needed by this method.
    </p>
  </section>`;
}

const and = (count: number) => html`<p class="note">and ${formatCount(count)} more</p>`;

/** What was left out, in words; null if nothing was. */
export function skippedSection({ skipped, skippedLayers, unusedLayers }: InfluenceResult): Markup | null {
  if (skipped.length + skippedLayers.length + unusedLayers.length === 0) return null;
  const shown = skipped.slice(0, SKIPPED_LISTED);
  const names = (layers: readonly string[]) =>
    html`<ul>
      ${layers.map((name) => html`<li class="id">${name}</li>`)}
    </ul>`;
  return html`<section id="skipped">
    <h2>Left out</h2>
    ${
      skipped.length > 0 &&
      html`<p>
          ${formatPlural(skipped.length, 'sample')} with values that are not finite numbers: left out of everything,
          without a score.
        </p>
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>store</th>
                <th class="number">sample</th>
                <th>layer</th>
              </tr>
            </thead>
            <tbody>
              ${shown.map(
                ({ store, sample, layer }) =>
                  html`<tr>
                    <td class="id">${store}</td>
                    <td class="number">${sample}</td>
                    <td class="id">${layer}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
        ${skipped.length > shown.length && and(skipped.length - shown.length)}`
    }
    ${
      skippedLayers.length > 0 &&
      html`<p>
          ${formatPlural(skippedLayers.length, 'layer')} without a single non-zero gradient, adding exactly 0 to every
          score:
        </p>
        ${names(skippedLayers)}`
    }
    ${
      unusedLayers.length > 0 &&
      html`<p>
          ${formatPlural(unusedLayers.length, 'layer')} of the validation gradients that the training gradients do not
          have:
        </p>
        ${names(unusedLayers)}`
    }
  </section>`;
}
