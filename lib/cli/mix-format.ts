import { parseOneOf } from './values.js';

export const MIX_FORMATS = ['json', 'csv', 'table'] as const;
export type MixFormat = (typeof MIX_FORMATS)[number];

const ENDINGS: Readonly<Record<string, string>> = { csv: 'csv', txt: 'table', jsonl: 'jsonl', ndjson: 'jsonl' };

/** --format, else by the ending of --out, else a table on a terminal, else the first of the formats. */
export function formatOf<Format extends string>(
  { format, out }: { readonly format?: string | undefined; readonly out?: string | undefined },
  terminal: boolean,
  formats: readonly Format[],
): Format {
  if (format !== undefined) return parseOneOf('--format', format, formats);
  const ending = /\.(\w+)$/.exec(out ?? '')?.[1]?.toLowerCase() ?? '';
  const wanted = out === undefined ? (terminal ? 'table' : '') : (ENDINGS[ending] ?? ending);
  return formats.find((each) => each === wanted) ?? (formats[0] as Format);
}
