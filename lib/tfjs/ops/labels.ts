import { mismatch } from '../../errors.js';

/** Throws unless every label is one of the classes. */
export function requireLabels(labels: ArrayLike<number>, classes: number): void {
  for (let i = 0; i < labels.length; ++i) {
    const label = labels[i] as number;
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
      throw mismatch('GRADSIFT_ARGUMENT', `labels[${i}]`, `an integer in [0, ${classes - 1}]`, label);
    }
  }
}
