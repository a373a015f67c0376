// Scores as lines: ndjson and csv. Numbers in full precision; a sample without a score is null, or an empty field.
import type { InfluenceResult } from '../influence/result.js';
import { csvLine } from './csv.js';
import type { ScoreList } from './score-lists.js';

export type RowFormat = 'ndjson' | 'csv';

const finiteOrNull = (score: number) => (Number.isFinite(score) ? score : null);

/** One line for each sample of each query: `sample,id,query,<method>,...`, with ids only where there are some. */
export function* scoreRows({ samples, ids, queries, methods }: InfluenceResult, format: RowFormat): Generator<string> {
  const names = Object.keys(methods);
  if (format === 'csv') yield csvLine(['sample', ...(ids ? ['id'] : []), 'query', ...names]);
  for (const [q, query] of queries.entries()) {
    const lists = Object.values(methods).map(({ scores }) => scores[q] as Float64Array);
    for (let sample = 0; sample < samples; ++sample) {
      const scores = lists.map((list) => finiteOrNull(list[sample] as number));
      const id = ids?.[sample];
      if (format === 'csv') yield csvLine([sample, ...(id === undefined ? [] : [id]), query, ...scores]);
      else {
        const named = Object.fromEntries(names.map((name, k) => [name, scores[k]]));
        yield `${JSON.stringify({ sample, id, query, scores: named })}\n`;
      }
    }
  }
}

/** One line for each listed sample: `method,query,side,rank,sample,id,score`, ranks from 1. */
export function* listRows(
  lists: readonly ScoreList[],
  ids: InfluenceResult['ids'],
  format: RowFormat,
): Generator<string> {
  if (format === 'csv') yield csvLine(['method', 'query', 'side', 'rank', 'sample', ...(ids ? ['id'] : []), 'score']);
  for (const { method, query, harmful, helpful } of lists) {
    for (const [side, ranked] of [['harmful', harmful] as const, ['helpful', helpful] as const]) {
      for (const [place, { index: sample, score }] of ranked.entries()) {
        const rank = place + 1;
        const id = ids?.[sample];
        if (format === 'csv')
          yield csvLine([method, query, side, rank, sample, ...(id === undefined ? [] : [id]), score]);
        else yield `${JSON.stringify({ method, query, side, rank, sample, id, score })}\n`;
      }
    }
  }
}
