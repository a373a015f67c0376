import { mismatch, requireInteger, requireOneOf } from '../errors.js';

/** One of the {@link topK}: a sample and its score. */
export interface Ranked {
  readonly index: number;
  readonly score: number;
}

/** Options of {@link topK}. */
export interface TopKOptions {
  /** 'highest' (default): most harmful first under convention 'loss-derivative'. 'lowest': most helpful first. */
  readonly order?: 'highest' | 'lowest' | undefined;
}

/**
 * The k samples with the highest (or lowest) scores, in order; equal scores by index. NaN, a sample without a score, is
 * never among them, so fewer than k may come back. O(n log k).
 *
 * @param scores one number a sample
 * @param k >= 0
 * @throws GradsiftError GRADSIFT_ARGUMENT
 */
export function topK(scores: ArrayLike<number>, k: number, { order = 'highest' }: TopKOptions = {}): Ranked[] {
  if (!(Array.isArray(scores) || ArrayBuffer.isView(scores))) {
    throw mismatch('GRADSIFT_ARGUMENT', 'scores', 'an array of numbers', scores);
  }
  requireInteger('k', k, 0);
  requireOneOf('order', order, ['highest', 'lowest']);
  const sign = order === 'highest' ? 1 : -1;
  /** Whether sample a comes after sample b. */
  const after = (a: number, b: number) => {
    const difference = sign * ((scores[a] as number) - (scores[b] as number));
    return difference < 0 || (difference === 0 && a > b);
  };
  // A heap of the best so far, the last of them on top.
  const heap: number[] = [];
  for (let i = 0; i < scores.length; ++i) {
    if (Number.isNaN(scores[i])) continue;
    if (heap.length < k) siftUp(heap, i, after);
    else if (k > 0 && after(heap[0] as number, i)) replaceTop(heap, i, after);
  }
  heap.sort((a, b) => (after(a, b) ? 1 : -1));
  return heap.map((index) => ({ index, score: scores[index] as number }));
}

type After = (a: number, b: number) => boolean;

function siftUp(heap: number[], sample: number, after: After): void {
  let at = heap.push(sample) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!after(sample, heap[parent] as number)) break;
    heap[at] = heap[parent] as number;
    at = parent;
  }
  heap[at] = sample;
}

function replaceTop(heap: number[], sample: number, after: After): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && after(heap[child + 1] as number, heap[child] as number)) ++child;
    if (!after(heap[child] as number, sample)) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = sample;
}
