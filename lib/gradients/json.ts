// JSON as a file header may have it: every key once, no deep nesting.

/**
 * JSON.parse that refuses a key given twice in one object (JSON.parse silently keeps the last) and nesting beyond
 * `maxDepth` (which would cost memory before any check of ours ran).
 * @throws SyntaxError
 */
export function parseJson(text: string, maxDepth: number): unknown {
  refuseRepeats(text, maxDepth);
  return JSON.parse(text) as unknown;
}

/** Whether parsed JSON is an object, not null, not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Frame {
  /** Keys so far; undefined in an array. */
  readonly keys: Set<string> | undefined;
  expectsKey: boolean;
}

/** Looks at brackets and strings only: whether the text is JSON at all is for JSON.parse to say. */
function refuseRepeats(text: string, maxDepth: number): void {
  const open: Frame[] = [];
  for (let at = 0; at < text.length; at++) {
    const frame = open.at(-1);
    const character = text[at];
    if (character === '{' || character === '[') {
      if (open.length >= maxDepth) throw new SyntaxError(`nested deeper than ${maxDepth} levels`);
      open.push({ keys: character === '{' ? new Set() : undefined, expectsKey: character === '{' });
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === ',' && frame) {
      frame.expectsKey = frame.keys !== undefined;
    } else if (character === '"') {
      const end = endOfString(text, at);
      if (frame?.keys && frame.expectsKey) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (frame.keys.has(key)) throw new SyntaxError(`key ${JSON.stringify(key)} is given twice`);
        frame.keys.add(key);
        frame.expectsKey = false;
      }
      at = end - 1;
    }
  }
}

/** Index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  throw new SyntaxError('a string is not closed');
}
