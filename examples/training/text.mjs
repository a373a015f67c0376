// Real text that every clone has: files of the packages in node_modules, the same for the same lock file.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Folders of the packages that are installed on every machine, in order of their names. */
export function packages() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path, { os, cpu, optional }]) => path !== '' && !os && !cpu && !optional)
    .map(([path]) => path)
    .sort();
}

/** Files of a package whose names match, without packages inside it. */
export function filesOf(folder, name) {
  const found = [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== 'node_modules') found.push(...filesOf(path, name));
    else if (entry.isFile() && name.test(entry.name)) found.push(path);
  }
  return found;
}

/**
 * Text of files whose names match `name`, up to `bytes` of it, files ended by a zero byte: { text, files, sha256 }. A
 * file that repeats an earlier one is left out.
 */
export function readText(name, bytes) {
  const parts = [];
  const seen = new Set();
  let length = 0;
  for (const path of packages().flatMap((folder) => filesOf(folder, name))) {
    if (length >= bytes) break;
    const content = readFileSync(join(root, path));
    const digest = createHash('sha256').update(content).digest('hex');
    if (content.length === 0 || content.includes(0) || seen.has(digest)) continue;
    seen.add(digest);
    const part = content.subarray(0, bytes - length);
    parts.push(part, Buffer.of(0));
    length += part.length + 1;
  }
  const text = new Uint8Array(Buffer.concat(parts));
  return { text, files: seen.size, sha256: createHash('sha256').update(text).digest('hex') };
}
