// The section on samples that are known to be bad: how many of them a ranking finds, and how early.
import { seriesColour } from './drawing.js';
import { banded, detectionCurves } from './figures.js';
import { formatSeconds, formatShare } from './format.js';
import { html, type Markup } from './html.js';
import type { DetectionStudy } from './input.js';
import { legend } from './methods.js';
import { mean, standardDeviation } from './statistics.js';

const BASELINE_COLOURS = ['var(--ink)', 'var(--muted)', 'var(--line-strong)'];
export const INSPECTED = [0.1, 0.2, 0.3, 0.4] as const;

/** Share found among the given share of samples with the highest scores. */
export function found(curve: ArrayLike<number>, inspected: number): number {
  return curve[Math.round(inspected * (curve.length - 1))] as number;
}

function cell(values: readonly number[], format: (value: number) => string, best: boolean): Markup {
  const spread = values.length > 1 ? ` \u00b1 ${format(standardDeviation(values)).replace(' %', '')}` : '';
  return html`<td class="number ${best ? 'best' : ''}">${format(mean(values))}${spread}</td>`;
}

function table(study: DetectionStudy): Markup {
  const rows = study.rankings.map((ranking) => ({
    ...ranking,
    columns: INSPECTED.map((share) => ranking.curves.map((curve) => found(curve, share))),
  }));
  const top = (values: readonly number[]) => Math.max(...values);
  const bestRates = INSPECTED.map((_, k) => top(rows.map(({ columns }) => mean(columns[k] as number[]))));
  const bestAuc = top(rows.map(({ auc }) => mean(auc)));
  const percent = (value: number) => formatShare(value);
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>ranking</th>
          ${INSPECTED.map((share) => html`<th class="number">at ${formatShare(share)}</th>`)}
          <th class="number">AUC</th>
          <th class="number">time</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ name, baseline, columns, auc, seconds }) =>
            html`<tr class="${baseline ? 'baseline' : 'method'}">
              <td>${name}</td>
              ${columns.map((values, k) => cell(values, percent, mean(values) === bestRates[k]))}
              ${cell(auc, (value) => value.toFixed(3), mean(auc) === bestAuc)}
              <td class="number">${seconds ? formatSeconds(mean(seconds)) : '\u2013'}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** `, the bands one standard deviation (hyperinf)` */
function bands(study: DetectionStudy, leading: string | undefined): string {
  const names = banded(study, leading);
  return names.length === 0 ? '' : `, with one standard deviation to either side for ${names.join(', ')}`;
}

export function detectionSection(
  study: DetectionStudy,
  methods: readonly string[],
  leading: string | undefined,
): Markup {
  const baselines = study.rankings.filter(({ baseline }) => baseline).map(({ name }) => name);
  const colour = (name: string) =>
    baselines.includes(name)
      ? (BASELINE_COLOURS[baselines.indexOf(name) % BASELINE_COLOURS.length] as string)
      : seriesColour(Math.max(0, methods.indexOf(name)));
  const runs = study.rankings[0]?.curves.length ?? 0;
  return html`<section id="detection">
    <h2>How early the marked samples are found</h2>
    ${legend(
      study.rankings.map(({ name, baseline }) => ({ name, colour: colour(name), kind: baseline ? 'dashed' : 'solid' })),
    )}
    <figure>
      ${detectionCurves(study, leading, colour)}
      <figcaption>
        Share of the marked samples (${formatShare(study.marked)} of all) found when the samples are inspected from the
        highest score down. ${runs > 1 && `Lines are means over ${runs} runs${bands(study, leading)}. `}The dotted line
        is a perfect ranking; dashed lines need no gradients.
      </figcaption>
    </figure>
    ${table(study)}
    <p class="note">
      Found within the given share of samples inspected. AUC: the probability that a marked sample scores above an
      unmarked one. In bold, the best of each column.${runs > 1 && ` Mean \u00b1 standard deviation over ${runs} runs.`}
    </p>
  </section>`;
}
