import { readFileSync } from 'node:fs';
import { permutation } from './random.mjs';

export const PIXELS = 64; // an 8 x 8 image
export const CLASSES = 10;
const BRIGHTEST = 16; // a pixel counts the dark points of a 4 x 4 cell

/** The digits table: 1797 images of 8 x 8 pixels with the digit each one shows (see examples/data/README.md). */
export function readDigits(file = new URL('../data/digits.csv', import.meta.url)) {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const pixels = new Float32Array(lines.length * PIXELS);
  const labels = new Int32Array(lines.length);
  lines.forEach((line, row) => {
    const numbers = line.split(',').map(Number);
    if (numbers.length !== PIXELS + 1 || !numbers.every((value) => value >= 0 && value <= BRIGHTEST)) {
      throw new Error(`digits.csv, line ${row + 1}: expected ${PIXELS + 1} numbers in [0, ${BRIGHTEST}]`);
    }
    labels[row] = numbers.pop();
    pixels.set(numbers, row * PIXELS);
  });
  return { count: lines.length, pixels, labels };
}

/** Some rows of the table as a data set: pixels in [0, 1], row-major [rows, 64]. */
function take(digits, rows) {
  const pixels = new Float32Array(rows.length * PIXELS);
  rows.forEach((row, index) => {
    for (let k = 0; k < PIXELS; ++k) pixels[index * PIXELS + k] = digits.pixels[row * PIXELS + k] / BRIGHTEST;
  });
  return { rows, count: rows.length, pixels, labels: Int32Array.from(rows, (row) => digits.labels[row]) };
}

/**
 * One draw of the experiment: 600 digits for the base model, 600 to fine-tune on, 120 for validation, the rest for
 * testing. A fifth of the fine-tuning labels (`train.given`) is replaced by another digit, each of the nine others
 * being as likely; `train.flipped[i]` tells which, and `train.labels` keeps the truth.
 */
export function split(digits, random, flippedShare = 0.2) {
  const order = permutation(random, digits.count);
  const base = take(digits, order.subarray(0, 600));
  const train = take(digits, order.subarray(600, 1200));
  const validation = take(digits, order.subarray(1200, 1320));
  const test = take(digits, order.subarray(1320));
  const given = Int32Array.from(train.labels);
  const flipped = new Uint8Array(train.count);
  for (const index of permutation(random, train.count).subarray(0, Math.round(flippedShare * train.count))) {
    given[index] = (train.labels[index] + 1 + Math.floor(random() * (CLASSES - 1))) % CLASSES;
    flipped[index] = 1;
  }
  return { base, train: { ...train, given, flipped }, validation, test };
}
