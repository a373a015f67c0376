import { requireNumber } from '../errors.js';

/** Least and most score. */
export type Clip = readonly [number, number];

/** @throws GRADSIFT_ARGUMENT unless clip is a pair of numbers in order */
export function requireClip(clip: unknown): void {
  const [low, high] = Array.isArray(clip) && clip.length === 2 ? (clip as unknown[]) : [];
  requireNumber('clip[0]', low);
  requireNumber('clip[1]', high, 'a number >= clip[0]', (value) => value >= low);
}

export function clipped(score: number, clip: Clip | null): number {
  return clip === null ? score : Math.min(Math.max(score, clip[0]), clip[1]);
}
