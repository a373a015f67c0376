/** JSON with two spaces of indent, numbers and words of a list side by side. Typed arrays are lists, NaN is null. */
export function jsonText(value: unknown, indent = ''): string {
  if (ArrayBuffer.isView(value)) return list(Array.from(value as unknown as ArrayLike<number>), indent);
  if (Array.isArray(value)) return list(value, indent);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = `${indent}  `;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${jsonText(item, inner)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function list(items: readonly unknown[], indent: string): string {
  const flat = items.every((item) => typeof item !== 'object' || item === null);
  if (flat) return JSON.stringify(items);
  const inner = `${indent}  `;
  return `[\n${items.map((item) => `${inner}${jsonText(item, inner)}`).join(',\n')}\n${indent}]`;
}
