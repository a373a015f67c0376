// The report of the example: one page, from the results alone.
import { domainLines, factList, html, mean, pageText, provenanceSection, scoreMap } from 'gradsift/report';
import { differencesFigure } from './differences.mjs';
import { DOMAINS } from './domains.mjs';
import { SPECIALITY, TARGET, TUNING } from './experiments.mjs';
import { methodsOf, runsOf, seedsOf } from './results.mjs';
import { outcomeAt } from './statistics.mjs';
import { answers, preface } from './answers.mjs';
import { TITLES, difference, tablesOf } from './table.mjs';

const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ',');

function table({ header, rows }) {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${header.map((title, k) => html`<th class="${k > 0 && 'number'}">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((text, k) => html`<td class="${k > 0 && 'number'}">${text}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** The mean over seeds of a number at each point of the curves. */
function curves(collected, experiment, methods, number) {
  return methods.map((method) => {
    const runs = runsOf(collected, experiment, method);
    const points = runs[0].curve.map(({ step }, at) => ({
      x: step,
      y: mean(runs.map(({ curve }) => number(curve[at]))),
    }));
    return { domain: method, points };
  });
}

function courses(collected, experiment) {
  const methods = methodsOf(collected, experiment);
  const bits = (nats) => nats / Math.LN2;
  const test = curves(collected, experiment, methods, (point) => outcomeAt(experiment, point));
  const training = curves(collected, experiment, methods, ({ train }) => bits(train));
  const of = { universal: 'all domains', ood: TARGET, little: SPECIALITY, tiny: SPECIALITY }[experiment];
  return html`<figure>
      ${domainLines(test, { label: 'Test loss over the run', x: 'training steps', y: `test loss, ${of}, bits/byte` })}
      <figcaption>Loss on validation text that nobody trained on, by mixture; means over the seeds.</figcaption>
    </figure>
    ${
      experiment !== 'universal' &&
      html`<figure>
        ${domainLines(training, {
          ...{ label: 'Training loss over the run', x: 'training steps', y: 'training loss, bits/byte' },
        })}
        <figcaption>
          Loss on the text of the batches. A mixture whose training loss falls while its test loss rises has learned few
          windows by heart.
        </figcaption>
      </figure>`
    }`;
}

/** Weights that a rule learned: of the first seed over time, and what came out for each seed. */
function learned(collected, experiment, method, run) {
  const runs = collected.runs.filter((other) => other.experiment === experiment && other.method === run.method);
  const names = Object.keys(run.learned);
  const order = [...names].sort((a, b) => run.learned[b] - run.learned[a]);
  const lines = order.map((domain) => ({
    domain,
    points: run.history.map(({ step, weights }) => ({ x: step, y: weights[domain] })),
  }));
  const aligned = run.history.filter(({ alignment }) => alignment);
  return html`<h3>${method}: weights</h3>
    <figure>
      ${domainLines(lines, {
        ...{ label: `Weights of ${method} over the run`, x: 'training steps', y: 'weight', share: true },
        reference: 1 / names.length,
      })}
      <figcaption>Weights after each update, seed ${run.seed}; the dotted line is the same weight for all.</figcaption>
    </figure>
    ${
      aligned.length > 0 &&
      html`<figure>
        ${scoreMap(
          order,
          aligned.map(({ step, alignment }) => ({ step, scores: order.map((name) => alignment[name]) })),
          'training steps',
          'Cosine of the gradients of each domain and of the target',
        )}
        <figcaption>
          Cosine between the gradients of each domain and of the target, seed ${run.seed}: blue lowers the target's
          loss,
          <span class="harmful">orange raises it</span>.
        </figcaption>
      </figure>`
    }
    ${table({
      header: [`${method}, learned`, ...order],
      rows: runs.map((other) => [`seed ${other.seed}`, ...order.map((name) => other.learned[name].toFixed(3))]),
    })}`;
}

const LEARNERS = {
  universal: [
    ['DoGE proxy', 'DoGE'],
    ['DoReMi proxy', 'DoReMi'],
  ],
  ood: [
    ['DoGE proxy', 'DoGE'],
    ['DGA', 'DGA'],
  ],
  little: [['DGA', 'DGA']],
  tiny: [['DGA', 'DGA']],
};

function setUp({ settings }, experiment) {
  const { little, tiny, target } = settings;
  const special = ({ generic, target: known, branching }) =>
    `${count(generic)} windows of generic text in ${branching.reduce((a, b) => a * b)} clusters; ${known} windows of ` +
    `${SPECIALITY} known. uniform draws generic text as it lies, CRISP by the clusters of the ${known} windows; DGA ` +
    'weighs the clusters of each domain and those of CRISP by the gradients.';
  return {
    universal:
      'DoGE and DoReMi learn weights with a smaller proxy, then a base model is trained by them. proportional draws ' +
      'domains by their bytes. Perplexities are per byte.',
    ood:
      `${TARGET} is not in the mix; ${target} windows of it are known. DoGE learns weights with a proxy, DGA while ` +
      'the base model trains. What needs no method: "target added" trains on the known windows as one more domain, ' +
      '"target only" on nothing else.',
    little: special(little),
    tiny: special(tiny),
  }[experiment];
}

function section(collected, experiment) {
  const { figure, far } = differencesFigure(collected, experiment);
  return html`<section id="${experiment}">
    <h2>${TITLES[experiment]}</h2>
    <p>${setUp(collected, experiment)}</p>
    ${tablesOf(collected, experiment).map(table)}
    <figure>
      ${figure}
      <figcaption>
        Test loss beside uniform, in bits a byte: a dot a seed, the bar a 95 % interval of their mean. Left is better.
        ${far.map((row) => `Beyond the figure: ${row.method}, ${difference(row)}.`)}
      </figcaption>
    </figure>
    ${courses(collected, experiment)}
    ${LEARNERS[experiment].map(([method, name]) => {
      const [run] = runsOf(collected, experiment, method);
      return run && learned(collected, experiment, name, run);
    })}
  </section>`;
}

function textSection({ manifest, settings }) {
  const rows = DOMAINS.map((domain) => {
    const { left, documents, bytes, train, validation } = manifest.domains[domain];
    const { files, repeated = 0, 'nearly repeated': nearly = 0, 'long lines': long = 0 } = left;
    const rest = [files, repeated, nearly, long, documents, bytes, train.available, validation.windows].map(count);
    return [domain, ...rest, train.sha256.slice(0, 12)];
  });
  return html`<section id="text">
    <h2>The text</h2>
    <p>
      Files of the packages in node_modules, the same for the same lock file (SHA-256 ${manifest.lock.slice(0, 16)}).
      Repeated and nearly repeated files (alike but for layout, punctuation and copyright lines) are left out, as are
      files with lines over 1000 bytes, and what a package has beyond 64 KiB of a domain. Validation text is of other
      packages. A window is ${manifest.context} bytes and what follows each; at most ${count(settings.windows.train)}
      are trained on in a domain.
    </p>
    ${table({
      header: [
        'domain',
        'files',
        'repeated',
        'nearly',
        'long lines',
        'kept',
        'bytes',
        'windows',
        'validation',
        'SHA-256',
      ],
      rows,
    })}
  </section>`;
}

function provenance(collected) {
  const { settings, machine, seconds, date, commits, version } = collected;
  const { models, steps, batch, learningRate: rate, rules } = settings;
  const model = ({ layers, width, heads }) => `${layers} layers, ${heads} heads, width ${width}`;
  return provenanceSection(
    [],
    [
      ['base model', `GPT on bytes, ${model(models.base)}`],
      ['proxy', model(models.proxy)],
      ['steps', `${steps.base} of ${batch} windows; proxies ${steps.proxy}`],
      ['learning rate, of all runs', `${rate.peak}, ${rate.warmUp} steps of warm-up, cosine to ${rate.last} of it`],
      ['rules', JSON.stringify(rules)],
      ['step sizes', TUNING],
      ['seeds', seedsOf(collected).join(', ')],
      [
        'machine',
        `${machine.cpu}, ${machine.cores} cores, ${machine.memory} GiB, ${machine.isa}, Node ${machine.node}`,
      ],
      ['time', `${Math.round(seconds.wall / 60)} min; ${Math.round(seconds.jobs / 60)} min of all jobs together`],
      ['date', date],
      ['software', `gradsift ${version}${commits.map((name) => `, commit ${name}`).join('')}`],
    ],
  );
}

/** The page. */
export function mixReport(collected) {
  const { settings, runs, version } = collected;
  return pageText(
    'Does learning the mixture help?',
    html`<p class="lead">
        DoGE, DGA and CRISP on the text of the packages in node_modules, beside mixtures that nobody learned.
      </p>
      <p>${preface(collected)}</p>
      ${answers(collected).map(
        ({ question, answers: list }) =>
          html`<h3>${question}</h3>
            <ul>
              ${list.map((text) => html`<li>${text}</li>`)}
            </ul>`,
      )}
      ${factList([
        ['runs', count(runs.length)],
        ['seeds', count(seedsOf(collected).length)],
        ['domains', count(DOMAINS.length)],
        ['steps a run', count(settings.steps.base)],
      ])}
      ${Object.keys(TITLES).map((experiment) => section(collected, experiment))} ${textSection(collected)}
      ${provenance(collected)}`,
    version,
  );
}
