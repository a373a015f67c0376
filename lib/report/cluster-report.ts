import type { InputRecord } from '../gradients/store.js';
import { rollUp, type ClusterCounts, type CrispOptions, type CrispPlan } from '../reweighting/crisp.js';
import type { Mixture } from '../reweighting/mixture.js';
import {
  clusterHistogram,
  concentrationCurve,
  concentrationFigure,
  CORPUS_COLOUR,
  corpusShareOf,
  epochBins,
  epochFigure,
  TARGET_COLOUR,
  type ClusterShare,
} from './cluster-figures.js';
import { formatCount, formatNumber, formatPlural, formatShare } from './format.js';
import { html, type Markup } from './html.js';
import { legend } from './methods.js';
import { factList, pageText, provenanceSection } from './page-parts.js';

/** Texts of a cluster. */
export interface ClusterExamples {
  readonly cluster: string;
  readonly generic: readonly string[];
  readonly target: readonly string[];
}

/** What a report of cluster weights is made from. */
export interface ClusterReportInput {
  readonly plan: CrispPlan;
  readonly mixture: Mixture;
  /** Documents by cluster. */
  readonly target: ClusterCounts;
  readonly generic: ClusterCounts;
  /** Of the tree that names the clusters. */
  readonly branching?: readonly number[] | undefined;
  readonly budget?: number | undefined;
  readonly maxEpochs?: number | undefined;
  /** What became of target documents in clusters without corpus. */
  readonly uncovered?: CrispOptions['uncovered'];
  /** In the order to show them. */
  readonly examples?: readonly ClusterExamples[] | undefined;
  readonly title?: string | undefined;
  readonly inputs?: readonly InputRecord[] | undefined;
  /** Facts for the last section: options as the caller gave them. */
  readonly options?: Readonly<Record<string, string>> | undefined;
}

/** Clusters listed; the others are in the record. */
const LISTED = 25;
/** Bars that are still told apart. */
const DRAWN = 256;

const total = (counts: ClusterCounts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Of every cluster that either set has, in the order of their numbers. */
function sharesOf(generic: ClusterCounts, target: ClusterCounts, weights: ClusterCounts): ClusterShare[] {
  const [g, t] = [total(generic), total(target)];
  const names = [...new Set([...Object.keys(generic), ...Object.keys(target)])].sort((a, b) => Number(a) - Number(b));
  return names.map((cluster) => ({
    cluster,
    generic: (generic[cluster] ?? 0) / g,
    target: (target[cluster] ?? 0) / t,
    weight: weights[cluster] ?? 0,
  }));
}

function facts({ plan, generic, target, budget }: ClusterReportInput): Markup {
  const passes = Object.values(plan.epochs ?? {});
  return factList([
    ['corpus', formatCount(total(generic))],
    ['target set', formatNumber(total(target))],
    ['clusters drawn', `${formatCount(drawn(plan))} of ${formatCount(Object.keys(plan.weights).length)}`],
    ['effective sample', formatShare(plan.effectiveShare)],
    ['coverage', formatShare(plan.coverage)],
    ...(budget === undefined
      ? []
      : [
          [
            'most passes',
            formatNumber(
              passes.reduce((a, b) => Math.max(a, b), 0),
              3,
            ),
          ] as const,
        ]),
  ]);
}

const drawn = ({ weights }: CrispPlan) => Object.values(weights).filter((weight) => weight > 0).length;

function warnings({ plan, target, maxEpochs, uncovered }: ClusterReportInput): Markup[] {
  const lines: string[] = [];
  if (plan.coverage < 1) {
    const lost = `${formatShare(1 - plan.coverage)} (${formatNumber((1 - plan.coverage) * total(target))} documents)`;
    const fate = uncovered === 'parent' ? 'they count for the nearest clusters of the tree' : 'they are left out';
    lines.push(`${lost} of the target set lie in clusters that the corpus does not have: ${fate}.`);
  }
  if (plan.capped.length > 0) {
    const clusters = formatPlural(plan.capped.length, 'cluster');
    lines.push(`${clusters} would be passed over more than ${formatNumber(maxEpochs)} times: they are held back.`);
  }
  return lines.map((line) => html`<p class="warning">${line}</p>`);
}

/** The finest level of the tree that a histogram still shows. */
function drawable({ generic, target, branching }: ClusterReportInput, shares: readonly ClusterShare[]) {
  if (shares.length <= DRAWN) return { shares, level: undefined };
  const sizes = branching ?? [];
  for (let level = sizes.length - 1; level > 0; --level) {
    const perNode = sizes.slice(level).reduce((product, size) => product * size, 1);
    const coarse = sharesOf(rollUp(generic, perNode), rollUp(target, perNode), {});
    if (coarse.length <= DRAWN) return { shares: coarse, level };
  }
  return undefined;
}

function histogramSection(input: ClusterReportInput, all: readonly ClusterShare[]): Markup | null {
  const found = drawable(input, all);
  if (found === undefined) return null;
  return html`<section id="histogram">
    <h2>Where the target set lies in the corpus</h2>
    ${legend([
      { name: 'target set', colour: TARGET_COLOUR, kind: 'dot' },
      { name: 'corpus', colour: CORPUS_COLOUR, kind: 'dot' },
    ])}
    <figure>
      ${clusterHistogram(found.shares)}
      <figcaption>
        Share of the documents of each set by cluster, in the order of the
        tree${found.level !== undefined && `, at its level ${found.level}`}. Where the target stands tall over little
        corpus, few documents are drawn again and again.
      </figcaption>
    </figure>
  </section>`;
}

function concentrationSection({ plan }: ClusterReportInput, shares: readonly ClusterShare[]): Markup {
  const points = concentrationCurve(shares.filter(({ generic }) => generic > 0));
  return html`<section id="concentration">
    <h2>How much of the corpus is used</h2>
    <figure>
      ${concentrationFigure(points)}
      <figcaption>
        Half of what is drawn comes from ${formatShare(corpusShareOf(points, 0.5))} of the corpus, nine tenths from
        ${formatShare(corpusShareOf(points, 0.9))}; the dotted line is drawing without weights. Weighing the loss
        instead would be worth a sample of ${formatShare(plan.effectiveShare)} of the corpus (its effective size, 1 over
        the sum of weight squared over share).
      </figcaption>
    </figure>
  </section>`;
}

function epochsSection(
  { plan, budget, maxEpochs }: ClusterReportInput,
  shares: readonly ClusterShare[],
): Markup | null {
  if (plan.epochs === undefined || budget === undefined) return null;
  return html`<section id="epochs">
    <h2>What is repeated</h2>
    <figure>
      ${epochFigure(epochBins(shares, plan.epochs))}
      <figcaption>
        Of ${formatCount(budget)} documents that will be drawn, how many come from clusters passed over how
        often${maxEpochs !== undefined && `; no cluster more than ${formatNumber(maxEpochs)} times`}.
      </figcaption>
    </figure>
  </section>`;
}

function tableSection({ plan, generic, target }: ClusterReportInput, shares: readonly ClusterShare[]): Markup {
  const sought = shares.filter(({ weight, target }) => weight > 0 || target > 0);
  const rows = sought.sort((a, b) => b.weight - a.weight || b.target - a.target).slice(0, LISTED);
  return html`<section id="weights">
    <h2>The heaviest clusters</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>cluster</th>
            <th class="number">weight</th>
            <th class="number">times the corpus</th>
            <th class="number">target set</th>
            <th class="number">corpus</th>
            <th class="number">documents</th>
            ${plan.epochs && html`<th class="number">passes</th>`}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ cluster, ...share }) =>
              html`<tr>
                <td class="id">${cluster}</td>
                <td class="number">${formatShare(share.weight)}</td>
                <td class="number">${formatNumber(plan.importance[cluster], 3)}</td>
                <td class="number">${formatShare(share.target)}</td>
                <td class="number">${formatShare(share.generic)}</td>
                <td class="number">${formatCount(generic[cluster] ?? 0)}</td>
                ${plan.epochs && html`<td class="number">${formatNumber(plan.epochs[cluster], 3)}</td>`}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="note">
      ${rows.length < shares.length && `${rows.length} of ${formatCount(shares.length)} clusters: the record has all. `}
      Weights are what to draw clusters by; the target set has ${formatNumber(total(target))} documents.
    </p>
  </section>`;
}

function examplesSection({ examples = [], plan }: ClusterReportInput): Markup | null {
  if (examples.length === 0) return null;
  const list = (title: string, colour: string, texts: readonly string[]) =>
    texts.length > 0 &&
    html`<ul class="excerpts" style="border-color:${colour}">
      ${texts.map((text) => html`<li title="${title}">${text}</li>`)}
    </ul>`;
  return html`<section id="examples">
    <h2>What the heaviest clusters hold</h2>
    ${legend([
      { name: 'target set', colour: TARGET_COLOUR, kind: 'line' },
      { name: 'corpus', colour: CORPUS_COLOUR, kind: 'line' },
    ])}
    ${examples.map(
      ({ cluster, generic, target }) =>
        html`<h3>Cluster ${cluster}: ${formatShare(plan.weights[cluster] ?? 0)} of what is drawn</h3>
          ${list('target set', TARGET_COLOUR, target)} ${list('corpus', CORPUS_COLOUR, generic)}`,
    )}
  </section>`;
}

/**
 * One self-contained HTML page about the weights of clusters: where the target set lies in the corpus, how much of the
 * corpus is used and repeated, and what is in the clusters. No script, no network; light and dark.
 */
export function clusterReport(input: ClusterReportInput): string {
  const { plan, mixture, generic, target, inputs = [], options = {} } = input;
  const shares = sharesOf(generic, target, plan.weights);
  return pageText(
    input.title ?? 'Cluster weights',
    html`<p class="lead">
        A corpus of ${formatPlural(total(generic), 'document')} in
        ${formatPlural(Object.keys(generic).length, 'cluster')}, weighed so that it looks like
        ${formatNumber(total(target))} documents of a target set (CRISP).
      </p>
      ${warnings(input)} ${facts(input)} ${histogramSection(input, shares)} ${concentrationSection(input, shares)}
      ${epochsSection(input, shares)} ${tableSection(input, shares)} ${examplesSection(input)}
      ${provenanceSection(inputs, [
        ...Object.entries(options),
        ['hash of the record', mixture.sha],
        ['software', `gradsift ${mixture.version}`],
      ])}`,
    mixture.version,
  );
}
