/**
 * Whether a layer name matches a pattern: `*` any run of characters, `?` one character, `[a-c]` or `[!a-c]` one of a
 * set; every other character is itself. Dots and slashes are ordinary: layer names are not paths, `*lora_A` means
 * "ends in lora_A" for `layers.0.lora_A` and for `model/dense/lora_A` alike. Takes time |pattern| * |name| at most.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const parts = compile(pattern);
  const characters = Array.from(name);
  let part = 0;
  let at = 0;
  let star = -1; // the last * seen, and where in the name its run ends so far
  let runEnd = 0;
  while (at < characters.length) {
    const accept = parts[part];
    if (accept === ANY_RUN) {
      star = part++;
      runEnd = at;
    } else if (accept?.(characters[at] as string)) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++runEnd;
    } else {
      return false;
    }
  }
  while (parts[part] === ANY_RUN) part++;
  return part === parts.length;
}

type Accept = (character: string) => boolean;
const ANY_RUN: Accept = () => true;

function compile(pattern: string): Accept[] {
  const parts: Accept[] = [];
  const characters = Array.from(pattern);
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    // A ] straight after the opening stands for itself, and a [ that is never closed too.
    const close = character === '[' ? characters.indexOf(']', at + (characters[at + 1] === '!' ? 3 : 2)) : -1;
    if (character === '*') parts.push(ANY_RUN);
    else if (character === '?') parts.push(() => true);
    else if (close > 0) {
      parts.push(characterSet(characters.slice(at + 1, close)));
      at = close;
    } else parts.push((other) => other === character);
  }
  return parts;
}

function characterSet(body: readonly string[]): Accept {
  const negated = body[0] === '!';
  const members = negated ? body.slice(1) : body;
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at++) {
    const first = members[at] as string;
    const isRange = members[at + 1] === '-' && at + 2 < members.length;
    ranges.push([first, isRange ? (members[at + 2] as string) : first]);
    if (isRange) at += 2;
  }
  const code = (character: string): number => character.codePointAt(0) ?? 0;
  return (character) => {
    const value = code(character);
    return negated !== ranges.some(([low, high]) => code(low) <= value && value <= code(high));
  };
}
