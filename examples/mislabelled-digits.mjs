// npm start: finds wrong labels by influence.
//
// A small network learns clean digits; LoRA adapters are then fitted to 600 other digits, a fifth of them with a wrong
// label. Every method of gradsift scores these 600 by their gradients and those of 120 validation digits, and each
// ranking is inspected from the top: how many wrong labels turn up, and how early? Three seeds, a few seconds.
//
//   node examples/mislabelled-digits.mjs [report.html] [--seeds 1,2,3]
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { backend, influence, openGradients } from 'gradsift';
import { influenceReport } from 'gradsift/report';
import { readDigits, split } from './digits/data.mjs';
import { loraGradients } from './digits/gradients.mjs';
import { accuracy, dispose, fineTune, losses, start, trainBase } from './digits/model.mjs';
import { doing, done } from './digits/progress.mjs';
import { generator } from './digits/random.mjs';
import { addRun, newStudy, studyTable, verdict } from './digits/study.mjs';
import { worstDigits } from './digits/pictures.mjs';

const METHODS = ['hyperinf', 'exact', 'datainf', 'datainf-matrix', 'lissa', 'lissa-gfim', 'tracin'];
const LEADING = 'hyperinf';
const LOSS = 'training loss';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '1,2,3' } },
});
const seeds = values.seeds.split(',').map(Number);
const reportPath = resolve(positionals[0] ?? 'gradsift-report.html');

async function train(seed, { base, train: noisy, validation, test }, random) {
  const label = `seed ${seed} (${seeds.indexOf(seed) + 1} of ${seeds.length})`;
  const started = performance.now();
  const frozen = await trainBase(base, random, (epoch) => doing(`${label}: base model, epoch ${epoch} of 40`));
  const model = await fineTune(frozen, noisy, random, (epoch) => doing(`${label}: LoRA, epoch ${epoch} of 10`));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const right = (data, labels) => `${(100 * accuracy(model, data, labels)).toFixed(1)} %`;
  const held = `validation ${right(validation, validation.labels)}, test ${right(test, test.labels)}`;
  const own = `${right(noisy, noisy.given)} by the labels given, ${right(noisy, noisy.labels)} by the true ones`;
  done(`${label}: trained in ${seconds} s; right on the training set ${own}; ${held}`);
  return model;
}

/** One seed: train, collect gradients, score, and enter every ranking into the study. */
async function run(seed, digits, study) {
  const random = generator(seed);
  const data = split(digits, random);
  const { train: noisy, validation } = data;
  const model = await train(seed, data, random);
  const gradients = {
    train: await openGradients(loraGradients(model, noisy.pixels, noisy.given), { source: `train, seed ${seed}` }),
    val: await openGradients(loraGradients(model, validation.pixels, validation.labels), {
      source: `val, seed ${seed}`,
    }),
  };
  const result = await influence({ ...gradients, methods: METHODS, perLayerScores: true });
  const { flipped } = noisy;
  for (const [name, { scores, seconds }] of Object.entries(result.methods)) {
    addRun(study, name, { scores: scores[0], seconds, flipped });
  }
  const before = performance.now();
  const loss = losses(model, noisy.pixels, noisy.given);
  addRun(study, LOSS, { scores: loss, seconds: (performance.now() - before) / 1000, flipped, baseline: true });
  addRun(study, 'random order', { scores: Float64Array.from(loss, random), flipped, baseline: true });
  dispose(model);
  return { data, result };
}

await start();
const started = performance.now();
const digits = readDigits();
const study = newStudy();
const runs = [];
for (const seed of seeds) runs.push(await run(seed, digits, study));

const { data, result } = runs[0];
const doubts = runs.flatMap(({ result: { methods } }, index) =>
  Object.entries(methods).flatMap(([name, { status }]) =>
    status === 'ok' ? [] : [`Worth a look: ${name}, seed ${seeds[index]}: ${status}`],
  ),
);
const share = data.train.flipped.reduce((sum, flip) => sum + flip, 0) / data.train.count;
const report = influenceReport(result, {
  title: 'Finding mislabelled digits',
  summary:
    `LoRA adapters were fitted to ${data.train.count} handwritten digits, ${Math.round(100 * share)} % of them ` +
    `with a wrong label. Which ranking finds the wrong labels first? ${verdict(study, LOSS)}`,
  leading: LEADING,
  options: { seeds: seeds.join(', '), 'shown sample by sample': `seed ${seeds[0]}`, methods: METHODS.join(', ') },
  detection: { marked: share, rankings: [...study.values()] },
  pictures: worstDigits(result.methods[LEADING].scores[0], data.train, 24),
});
writeFileSync(reportPath, report);

console.log(`\nWrong labels found when the highest scores are inspected first (${seeds.length} seeds, mean +- sd):\n`);
console.log(studyTable(study));
console.log(`\n${verdict(study, LOSS)}`);
for (const line of doubts) console.log(line);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`Digits: UCI, CC BY 4.0 (examples/data/README.md). All in ${seconds} s, gradsift on ${backend().isa}.`);
console.log(`Report with curves, certificates and the worst digits drawn: ${reportPath}`);
