import type { InputRecord } from '../gradients/store.js';
import type { DomainWeights } from '../reweighting/domains.js';
import type { MixLogStep } from '../reweighting/mix-log.js';
import type { Mixture, MixtureDomain } from '../reweighting/mixture.js';
import { formatCount, formatNumber, formatPlural, formatShare } from './format.js';
import { html, type Markup } from './html.js';
import { alignmentCourse, excessLosses, linesOf, meanCosines } from './mixture-course.js';
import { domainLines, scoreMap, weightChanges } from './mixture-figures.js';
import { factList, pageText, provenanceSection } from './page-parts.js';
import { pairMap } from './pair-map.js';

/** What a report of a mixture is made from. */
export interface MixtureReportInput {
  readonly mixture: Mixture;
  /** What the run began with; default: the same weight for each domain. */
  readonly initial?: DomainWeights | undefined;
  /** The course of the run. */
  readonly steps: readonly MixLogStep[];
  /** What a step is: 'training steps' (default), or 'updates'. */
  readonly stepName?: string | undefined;
  /** Name of the target, where there is one. */
  readonly target?: string | null | undefined;
  readonly inputs?: readonly InputRecord[] | undefined;
  /** What is worth a second look. */
  readonly warnings?: readonly string[] | undefined;
  readonly title?: string | undefined;
  /** Facts for the last section: options as the caller gave them. */
  readonly options?: Readonly<Record<string, string>> | undefined;
}

/** Domains listed and drawn one by one; the others are in the record. */
const LISTED = 40;
/** Points of a line of losses: single batches are noise. */
const LOSS_POINTS = 100;

interface Row extends MixtureDomain {
  readonly from: number;
}

/** Heaviest first: colours go to what matters. */
function rowsOf({ mixture, initial }: MixtureReportInput): Row[] {
  const even = 1 / mixture.domains.length;
  const rows = mixture.domains.map((domain) => ({ ...domain, from: initial?.[domain.name] ?? even }));
  return rows.sort((a, b) => b.weight - a.weight);
}

/** exp(entropy): as many equal weights would be as even. */
export function effectiveDomains(weights: readonly number[]): number {
  return Math.exp(weights.reduce((sum, weight) => (weight > 0 ? sum - weight * Math.log(weight) : sum), 0));
}

function facts({ mixture }: MixtureReportInput, rows: readonly Row[]): Markup {
  const heaviest = rows[0] as Row;
  return factList([
    ['method', mixture.method],
    ['effective', `${formatNumber(effectiveDomains(rows.map(({ weight }) => weight)), 3)} of ${rows.length}`],
    [`heaviest: ${heaviest.name}`, formatShare(heaviest.weight)],
    ...(mixture.step === null ? [] : [['updates', formatCount(mixture.step)] as const]),
  ]);
}

const UNITS = { token: 'tokens', sequence: 'sequences', document: 'documents' } as const;

function weightsSection(input: MixtureReportInput, rows: readonly Row[]): Markup {
  const shown = rows.slice(0, LISTED);
  const known = (key: 'tokens' | 'epochs') => rows.some((row) => row[key] !== undefined);
  const optional = (['tokens', 'epochs'] as const).filter(known);
  return html`<section id="weights">
    <h2>The mixture</h2>
    <figure>${weightChanges(shown.map(({ name, from, weight }) => ({ domain: name, from, to: weight })))}</figure>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>domain</th>
            <th class="number">weight</th>
            <th class="number">before</th>
            <th class="number">times</th>
            ${optional.map((key) => html`<th class="number">${key}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (row) =>
              html`<tr>
                <td class="id"><span class="wrap">${row.name}</span></td>
                <td class="number">${row.weight.toFixed(4)}</td>
                <td class="number">${row.from.toFixed(4)}</td>
                <td class="number">${row.from > 0 ? formatNumber(row.weight / row.from, 3) : '\u2013'}</td>
                ${optional.map((key) => html`<td class="number">${amount(row[key], key)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <figcaption>
      Weights are shares of ${UNITS[input.mixture.unit]}. A ring is where a domain began, a dot where it ended. The
      mixture is as even as ${formatNumber(effectiveDomains(rows.map(({ weight }) => weight)), 3)} equal weights would
      be (the exponential of its entropy).
      ${
        rows.length > shown.length &&
        `The ${shown.length} heaviest of ${formatCount(rows.length)} domains; the record has all.`
      }
    </figcaption>
  </section>`;
}

function amount(value: number | undefined, key: 'tokens' | 'epochs'): string {
  if (value === undefined) return '\u2013';
  return key === 'tokens' ? formatCount(value) : formatNumber(value, 3);
}

function courseSection(input: MixtureReportInput, names: readonly string[]): Markup | null {
  const { steps, stepName = 'training steps' } = input;
  const lines = linesOf(names.slice(0, LISTED), steps, ({ weights }) => weights);
  if (steps.length < 2 || lines.length === 0) return null;
  const { learned, weights } = steps.findLast((step) => step.weights !== undefined) ?? {};
  const mean = names.some((name) => learned !== undefined && learned[name] !== weights?.[name]);
  return html`<section id="course">
    <h2>Weights over time</h2>
    <figure>
      ${domainLines(lines, {
        label: 'Weight of each domain over the run',
        x: stepName,
        y: 'weight',
        share: true,
        reference: 1 / names.length,
      })}
      <figcaption>
        What the run trained with after each ${stepName === 'updates' ? 'update' : 'step'}; the dotted line is the same
        weight for all. ${mean && 'The mixture above is the mean of these weights, as the rule has it.'}
      </figcaption>
    </figure>
  </section>`;
}

function lossSection({ steps, target, stepName = 'training steps' }: MixtureReportInput, names: readonly string[]) {
  const losses = linesOf(names.slice(0, LISTED), steps, ({ lossByDomain }) => lossByDomain);
  const excess = linesOf(names.slice(0, LISTED), steps, excessLosses);
  const aim = linesOf([target ?? 'target'], steps, ({ targetLoss }) =>
    targetLoss === undefined ? undefined : { [target ?? 'target']: targetLoss },
  );
  if (losses.length + excess.length + aim.length === 0) return null;
  const axes = { x: stepName, points: LOSS_POINTS };
  return html`<section id="loss">
    <h2>Loss of each domain</h2>
    ${
      losses.length > 0 &&
      html`<figure>
        ${domainLines(losses, { ...axes, label: 'Loss of each domain over the run', y: 'loss, nats per token' })}
        <figcaption>
          Training loss of the domain's samples, on average over runs of steps where there are many.
        </figcaption>
      </figure>`
    }
    ${
      excess.length > 0 &&
      html`<figure>
        ${domainLines(excess, { ...axes, label: 'Excess loss of each domain', y: 'excess loss, nats per token' })}
        <figcaption>What the proxy loses beside the reference model: what DoReMi follows.</figcaption>
      </figure>`
    }
    ${
      aim.length > 0 &&
      html`<figure>
        ${domainLines(aim, { ...axes, label: 'Loss of the target', y: 'loss, nats per token', height: 220 })}
        <figcaption>Loss of the target's samples, on the steps that measured it.</figcaption>
      </figure>`
    }
  </section>`;
}

function alignmentSection(input: MixtureReportInput, names: readonly string[]): Markup | null {
  const { steps, stepName = 'training steps', target } = input;
  const shown = names.slice(0, LISTED);
  const course = alignmentCourse(shown, steps);
  const cosines = meanCosines(shown, steps);
  if (course === null && cosines === null) return null;
  const largest = course?.columns
    .flatMap(({ scores }) => scores.map(Math.abs))
    .filter(Number.isFinite)
    .reduce((a, b) => Math.max(a, b), 0);
  return html`<section id="alignment">
    <h2>Whose gradients point the same way</h2>
    ${
      course &&
      html`<figure>
        ${scoreMap(shown, course.columns, stepName, 'Alignment of each domain with the target over the run')}
        <figcaption>
          ${course.kind === 'cosine' ? 'Cosine between' : 'Product of'} the gradient of each domain and that of
          ${target ?? 'the target'}: blue lowers the target's loss, <span class="harmful">orange raises it</span>; the
          strongest is ${formatNumber(largest, 3)}.
        </figcaption>
      </figure>`
    }
    ${
      cosines &&
      shown.length > 1 &&
      html`<figure>
        ${pairMap(shown, cosines, 'Cosine between the gradients of each pair of domains')}
        <figcaption>Cosine between the gradients of two domains, on average over the updates.</figcaption>
      </figure>`
    }
  </section>`;
}

/**
 * One self-contained HTML page about a mixture and the run that learned it: weights before and after and over time,
 * losses, alignments. No script, no network; light and dark.
 */
export function mixtureReport(input: MixtureReportInput): string {
  const { mixture, target, steps, warnings = [], inputs = [], options = {} } = input;
  const rows = rowsOf(input);
  const names = rows.map(({ name }) => name);
  const aim = target ? ` for ${target}` : '';
  const evidence = steps.filter((step) => step.evidence !== undefined).length;
  return pageText(
    input.title ?? `Domain weights${aim}`,
    html`<p class="lead">
        Weights of ${formatPlural(rows.length, 'domain')}${aim}, by
        ${mixture.method}${evidence > 0 && `, from ${formatPlural(evidence, 'update')}`}.
      </p>
      ${warnings.map((warning) => html`<p class="warning">${warning}</p>`)} ${facts(input, rows)}
      ${weightsSection(input, rows)} ${courseSection(input, names)} ${alignmentSection(input, names)}
      ${lossSection(input, names)}
      ${provenanceSection(inputs, [
        ...Object.entries(options),
        ['unit', mixture.unit],
        ['tokenizer', mixture.tokenizer ?? 'not said'],
        ['hash of the record', mixture.sha],
        ['software', `gradsift ${mixture.version}`],
      ])}`,
    mixture.version,
  );
}
