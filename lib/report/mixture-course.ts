// The course of a run, as figures need it: series by domain out of the steps of a log.
import type { MixLogStep } from '../reweighting/mix-log.js';
import type { DomainLine, ScoreColumn } from './mixture-figures.js';

type Numbers = Readonly<Record<string, number>>;
type Steps = readonly MixLogStep[];

const isNumbers = (value: unknown): value is Numbers =>
  typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'number');

/** A line for each domain that has numbers. */
export function linesOf(
  domains: readonly string[],
  steps: Steps,
  numbers: (step: MixLogStep) => Numbers | undefined,
): DomainLine[] {
  return domains
    .map((domain) => ({
      domain,
      points: steps.flatMap((step) => {
        const y = numbers(step)?.[domain];
        return y === undefined ? [] : [{ x: step.step, y }];
      }),
    }))
    .filter(({ points }) => points.length > 0);
}

interface Evidence {
  readonly alignment?: unknown;
  readonly norms?: unknown;
  readonly targetNorm?: unknown;
  readonly gram?: unknown;
  readonly excessLoss?: unknown;
}
const evidenceOf = ({ evidence }: MixLogStep) => (evidence ?? {}) as Evidence;

export function excessLosses(step: MixLogStep): Numbers | undefined {
  const { excessLoss } = evidenceOf(step);
  return isNumbers(excessLoss) ? excessLoss : undefined;
}

/** What the rule was told of each domain. */
export interface ScoreCourse {
  /** 'cosine' where norms are known at every step, else 'product'. */
  readonly kind: 'cosine' | 'product';
  readonly columns: readonly ScoreColumn[];
}

/** Alignments of each domain with the target, or their mean over the tasks; null where a log has none. */
export function alignmentCourse(domains: readonly string[], steps: Steps): ScoreCourse | null {
  const measured = steps.filter((step) => evidenceOf(step).alignment !== undefined);
  if (measured.length === 0) return null;
  const cosines = measured.every((step) => {
    const { norms, targetNorm, alignment } = evidenceOf(step);
    return isNumbers(alignment) && isNumbers(norms) && typeof targetNorm === 'number';
  });
  const columns = measured.map((step) => {
    const { alignment, norms, targetNorm } = evidenceOf(step);
    const scores = domains.map((domain) => {
      const product = average((alignment as Record<string, unknown>)[domain]);
      if (!cosines) return product;
      const length = ((norms as Numbers)[domain] ?? NaN) * (targetNorm as number);
      return length > 0 ? product / length : product && NaN;
    });
    return { step: step.step, scores };
  });
  return { kind: cosines ? 'cosine' : 'product', columns };
}

function average(value: unknown): number {
  if (typeof value === 'number') return value;
  if (!isNumbers(value)) return NaN;
  const numbers = Object.values(value);
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Mean over the steps of the cosine between two domains' gradients; null where a log has no products of pairs. */
export function meanCosines(domains: readonly string[], steps: Steps): ((a: number, b: number) => number) | null {
  const grams = steps.flatMap((step) => {
    const { gram } = evidenceOf(step);
    return typeof gram === 'object' && gram !== null ? [gram as Readonly<Record<string, Numbers>>] : [];
  });
  if (grams.length === 0) return null;
  return (a, b) => {
    const [first, second] = [domains[a] as string, domains[b] as string];
    const known = grams.flatMap((gram) => {
      const length = Math.sqrt((gram[first]?.[first] ?? NaN) * (gram[second]?.[second] ?? NaN));
      const cosine = (gram[first]?.[second] ?? NaN) / length;
      return Number.isFinite(cosine) ? [Math.min(1, Math.max(-1, cosine))] : [];
    });
    return known.length === 0 ? NaN : known.reduce((sum, cosine) => sum + cosine, 0) / known.length;
  };
}
