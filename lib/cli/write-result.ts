// Puts a result where it was asked for: one file that appears as a whole, or standard output.
import { basename, dirname, join } from 'node:path';
import { GradsiftError } from '../errors.js';
import { writeNpy } from '../gradients/write-npy.js';
import type { MethodName } from '../influence/options.js';
import { toJson, type InfluenceResult } from '../influence/result.js';
import type { InfluenceRequest } from './influence-flags.js';
import { jsonText } from './json-text.js';
import { resultText } from './result-text.js';
import { listRows, scoreRows } from './rows-text.js';
import { scoreLists } from './score-lists.js';
import { plainStyle, styleFor } from './text-table.js';
import { writeLines } from './write-lines.js';

/** Numbers that one JSON text still holds; more go to .npy files beside it. */
export const JSON_NUMBERS = 1e6;

/** Refuses, before any work, a result that could not be written. @throws GRADSIFT_ARGUMENT */
export function checkSize(numbers: number, { format, out, top }: InfluenceRequest): void {
  if (format !== 'json' || numbers <= JSON_NUMBERS || out !== undefined || top !== undefined) return;
  throw new GradsiftError(
    'GRADSIFT_ARGUMENT',
    `--format json: ${numbers} scores are more than one text should hold (${JSON_NUMBERS}): write them with --out ` +
      'FILE (a .npy beside it takes the scores), list the extremes with --top K, or use --format ndjson or csv',
  );
}

/** scores.json -> scores.hyperinf.npy, [queries, samples] in float64. @returns file names by method */
async function writeScoreFiles(result: InfluenceResult, out: string, signal: AbortSignal) {
  const names: Partial<Record<MethodName, string>> = {};
  for (const [method, { scores }] of Object.entries(result.methods)) {
    const name = `${basename(out).replace(/\.json$/i, '')}.${method}.npy`;
    const all = new Float64Array(scores.length * result.samples);
    scores.forEach((list, q) => all.set(list, q * result.samples));
    await writeNpy(join(dirname(out), name), all, [scores.length, result.samples], signal);
    names[method as MethodName] = name;
  }
  return names;
}

function withoutScores(result: InfluenceResult): InfluenceResult {
  const methods = Object.entries(result.methods).map(([name, method]) => [name, { ...method, scores: [] }]);
  return { ...result, methods: Object.fromEntries(methods) as InfluenceResult['methods'] };
}

async function textOf(
  result: InfluenceResult,
  request: InfluenceRequest,
  signal: AbortSignal,
): Promise<Iterable<string>> {
  const { format, out, top } = request;
  switch (format) {
    case 'table':
      return [resultText(result, top, out === undefined ? styleFor(process.stdout) : plainStyle)];
    case 'csv':
    case 'ndjson':
      if (top === undefined) return scoreRows(result, format);
      return listRows(scoreLists(result, top), result.ids, format);
    case 'json': {
      const numbers = result.samples * result.queries.length * Object.keys(result.methods).length;
      if (numbers <= JSON_NUMBERS) return [`${jsonText(toJson(result))}\n`];
      if (out === undefined) return [`${jsonText(toJson(withoutScores(result)))}\n`];
      const scoreFiles = await writeScoreFiles(result, out, signal);
      return [`${jsonText(toJson(result, { scoreFiles }))}\n`];
    }
  }
}

/** Writes the result in the format asked for. @throws GRADSIFT_IO */
export async function writeResult(
  result: InfluenceResult,
  request: InfluenceRequest,
  signal: AbortSignal,
): Promise<void> {
  await writeLines(request.out, await textOf(result, request, signal), signal);
}
