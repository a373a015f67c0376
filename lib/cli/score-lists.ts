// The samples at both ends of each ranking, told apart by what they do: harmful or helpful.
import type { InfluenceResult } from '../influence/result.js';
import { topK, type Ranked } from '../influence/top-k.js';

export interface ScoreList {
  readonly method: string;
  readonly query: string | number;
  readonly harmful: readonly Ranked[];
  readonly helpful: readonly Ranked[];
}

/** For each method and query, the k samples at each end. */
export function scoreLists({ methods, queries, convention }: InfluenceResult, k: number): ScoreList[] {
  const harmful = convention === 'proponent' ? 'lowest' : 'highest';
  const helpful = convention === 'proponent' ? 'highest' : 'lowest';
  return Object.entries(methods).flatMap(([method, { scores }]) =>
    scores.map((list, q) => ({
      method,
      query: queries[q] as string | number,
      harmful: topK(list, k, { order: harmful }),
      helpful: topK(list, k, { order: helpful }),
    })),
  );
}
