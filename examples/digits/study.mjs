// How well each ranking finds the flipped labels, over several seeds: for the printed table and for the report.
import { detectionCurve, rocAuc } from 'gradsift';
import { mean, standardDeviation } from 'gradsift/report';

export const INSPECTED = [0.1, 0.2, 0.3, 0.4];

/** An empty study: rankings are added run by run. `baseline` rankings take no gradients. */
export function newStudy() {
  return new Map();
}

export function addRun(study, name, { scores, seconds, flipped, baseline = false }) {
  const ranking = study.get(name) ?? {
    name,
    baseline,
    curves: [],
    auc: [],
    seconds: seconds === undefined ? undefined : [],
  };
  ranking.curves.push(detectionCurve(scores, flipped));
  ranking.auc.push(rocAuc(scores, flipped));
  ranking.seconds?.push(seconds);
  study.set(name, ranking);
}

const foundAt = (curve, share) => curve[Math.round(share * (curve.length - 1))];
const average = (ranking) => INSPECTED.map((share) => mean(ranking.curves.map((curve) => foundAt(curve, share))));

function spread(values, format) {
  return `${format(mean(values))} +- ${format(standardDeviation(values))}`;
}

/** The table of detection rates: mean +- standard deviation over the runs. */
export function studyTable(study) {
  const percent = (share) => (100 * share).toFixed(1).padStart(4);
  const header = ['ranking', ...INSPECTED.map((share) => `${100 * share} % inspected`), 'AUC', 'seconds'];
  const rows = [...study.values()].map(({ name, curves, auc, seconds }) => [
    name,
    ...INSPECTED.map(
      (share) =>
        `${spread(
          curves.map((curve) => foundAt(curve, share)),
          percent,
        )} %`,
    ),
    spread(auc, (value) => value.toFixed(3)),
    seconds ? mean(seconds).toFixed(4) : '-',
  ]);
  const widths = header.map((title, k) => Math.max(title.length, ...rows.map((row) => row[k].length)));
  const line = (row) => row.map((text, k) => (k === 0 ? text.padEnd(widths[k]) : text.padStart(widths[k]))).join('   ');
  return [header, ...rows].map(line).join('\n');
}

/** Says plainly where a ranking that needs no gradients does better than the best influence score. */
export function verdict(study, baseline) {
  const plain = study.get(baseline);
  const methods = [...study.values()].filter((ranking) => !ranking.baseline);
  const best = methods.reduce((a, b) => (mean(b.auc) > mean(a.auc) ? b : a));
  const columns = [...INSPECTED.map((share) => `within ${100 * share} %`), 'by AUC'];
  const of = (ranking) => [...average(ranking), mean(ranking.auc)];
  const top = columns.map((_, k) => Math.max(...methods.map((ranking) => of(ranking)[k])));
  const beaten = columns.filter((_, k) => of(plain)[k] > top[k]);
  const loss = `The ${baseline}, which takes no gradients, has ${mean(plain.auc).toFixed(3)}`;
  const where = beaten.join(', ').replace(/, ([^,]*)$/, ' and $1');
  return [
    `Best influence score by AUC: ${best.name} (${mean(best.auc).toFixed(3)}).`,
    beaten.length === 0 ? `${loss} and is ahead nowhere.` : `${loss} and beats every influence score ${where}.`,
  ].join(' ');
}
