// The compiled form of a model under capture: from weights and a batch to losses and factors, in one call.
import { GradsiftError, mismatch, show } from '../../errors.js';
import { settled, type Jax, type JaxArray } from '../jax.js';
import type { Batch, Model, Weights } from '../model.js';
import { lent } from './compiled.js';
import { guarded, recording, type ChosenWeight, type Recorder, type TermsOf, type TracedTerm } from './recorder.js';

/** A term of a weight's gradient: which of the arrays that the program returns hold its factors. */
export interface PlacedTerm extends Omit<TracedTerm, 'left' | 'right'> {
  readonly left: number | null;
  readonly right: number;
}

/** What a program returns: the losses, then the factors. */
export interface Captured {
  readonly arrays: readonly JaxArray[];
  readonly terms: readonly PlacedTerm[];
}

export interface Program {
  /** Takes nothing of the caller's. */
  run(weights: Weights, batch: Batch): Captured;
  dispose(): void;
}

/** Compiles the losses of a model, the gradients of `names` being asked for. */
export function captureProgram({ jax, losses }: Model, names: ReadonlySet<string>, samples: number): Program {
  let terms: readonly PlacedTerm[] = [];
  // Traced at the first run; what it notes beside the arrays holds for every later one, since shapes are the same.
  const program = jax.jit((weights: Record<string, JaxArray>, inputs: JaxArray, targets: JaxArray) => {
    const chosen = new Map<JaxArray, ChosenWeight>();
    const given = Object.entries(weights).map(([name, value]) => {
      if (!names.has(name)) return [name, value] as const;
      const guard = guarded({ name, value });
      chosen.set(guard, { name, value });
      return [name, guard] as const;
    });
    const call = () => losses(lent(Object.fromEntries(given)), lent({ inputs, targets }));
    const traced = traceGradients(jax, samples, (array) => chosen.get(array as JaxArray), call);
    const unused = [...names].find((name) => !traced.terms.some((term) => term.name === name));
    if (unused !== undefined) throw mismatch('GRADSIFT_ARGUMENT', 'model', `a use of weight ${show(unused)}`, 'none');
    const placed = placeTerms(traced.terms);
    terms = placed.terms;
    return [traced.losses, ...placed.arrays];
  });
  return {
    run: (weights, { inputs, targets }) => ({ arrays: program(lent(weights), inputs.ref, targets.ref), terms }),
    dispose: () => program.dispose(),
  };
}

/** A layer's output that was watched, and what becomes of its gradient. */
interface Watched {
  readonly kept: number;
  readonly termsOf: TermsOf;
}

function traceGradients(
  jax: Jax,
  samples: number,
  chosen: Recorder['chosen'],
  losses: () => JaxArray,
): { readonly losses: JaxArray; readonly terms: readonly TracedTerm[] } {
  const { numpy } = jax;
  // A first run tells how many zeros to add, and where; nothing of it is computed.
  const shapes: number[][] = [];
  const look: Recorder = {
    samples,
    chosen,
    watch(y) {
      shapes.push(y.shape);
      return y;
    },
  };
  recording(look, losses).dispose();
  const watched: Watched[] = [];
  const shifted = (shifts: JaxArray[]): [JaxArray, JaxArray[]] => {
    const kept: JaxArray[] = [];
    watched.length = 0;
    const recorder: Recorder = {
      samples,
      chosen,
      watch(y, arrays, termsOf) {
        kept.push(...arrays);
        return numpy.add(y, shifts[watched.push({ kept: arrays.length, termsOf }) - 1] as JaxArray);
      },
    };
    const perSample = recording(recorder, losses);
    requireLosses(perSample, samples);
    return [numpy.sum(perSample.ref), [perSample, ...kept]];
  };
  const zeros = shapes.map((shape) => numpy.zeros(shape));
  const [[, [perSample, ...kept]], deltas] = jax.valueAndGrad(shifted, { hasAux: true })(zeros);
  const values = uniqueBy(kept, settled);
  let at = 0;
  const terms = watched.flatMap((site, index) =>
    site.termsOf(deltas[index] as JaxArray, values.slice(at, (at += site.kept))),
  );
  return { losses: settled(perSample as JaxArray), terms };
}

/** Each array through `change`, once however often it comes. */
function uniqueBy(arrays: readonly JaxArray[], change: (array: JaxArray) => JaxArray): JaxArray[] {
  const known = new Map<JaxArray, JaxArray>();
  return arrays.map((array) => {
    const made = known.get(array) ?? change(array);
    known.set(array, made);
    return made;
  });
}

function requireLosses({ shape }: JaxArray, samples: number): void {
  if (shape.length === 1 && shape[0] === samples) return;
  throw new GradsiftError(
    'GRADSIFT_SHAPE',
    `model.losses: expected one loss a sample, [${samples}], got [${shape.join(', ')}]`,
  );
}

/** The arrays of all terms, each once, behind the losses. */
function placeTerms(terms: readonly TracedTerm[]): { arrays: JaxArray[]; terms: PlacedTerm[] } {
  const arrays: JaxArray[] = [];
  const place = (array: JaxArray) => 1 + (arrays.includes(array) ? arrays.indexOf(array) : arrays.push(array) - 1);
  const placed = terms.map(({ left, right, ...term }) => {
    return { ...term, left: left && place(left), right: place(right) };
  });
  return { arrays, terms: placed };
}
