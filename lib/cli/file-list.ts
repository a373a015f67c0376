// The files of an option that takes several.
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { GradsiftError } from '../errors.js';
import { matchesGlob } from '../gradients/name-glob.js';
import { parsePath } from './values.js';

const numbersOf = (path: string) => (basename(path).match(/\d+/g) ?? []).map(Number);
const frameOf = (path: string) => path.replace(basename(path), basename(path).replace(/\d+/g, '#'));

/**
 * The files named. Those whose names differ in numbers only come in the order of these: a shell lists step-10 before
 * step-2. Others stay as they are.
 * @throws GRADSIFT_ARGUMENT for a pattern that matches nothing
 */
export function fileList(name: string, given: readonly string[]): string[] {
  const paths = given.flatMap((path) => expand(name, parsePath(name, path)));
  if (new Set(paths.map(frameOf)).size > 1) return paths;
  return paths.sort((a, b) => {
    const [first, second] = [numbersOf(a), numbersOf(b)];
    const at = first.findIndex((number, index) => number !== second[index]);
    return at < 0 ? 0 : (first[at] as number) - (second[at] as number);
  });
}

/** A pattern that no shell has expanded: in the last part of the path only. */
function expand(name: string, path: string): string[] {
  const pattern = basename(path);
  if (!pattern.includes('*') || existsSync(path)) return [path];
  const folder = dirname(path);
  const found = existsSync(folder) ? readdirSync(folder).filter((file) => matchesGlob(pattern, file)) : [];
  if (found.length === 0) throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: ${path} matches no file`);
  return found.sort().map((file) => join(folder, file));
}

/** The step in each name: its last number where that ascends from file to file; null where names do not tell. */
export function stepsInNames(paths: readonly string[]): number[] | null {
  const steps = paths.map((path) => numbersOf(path.replace(/\.[a-z][\w.]*$/i, '')).at(-1));
  const ascend = steps.every((step, index) => step !== undefined && (index === 0 || step > (steps[index - 1] ?? NaN)));
  return ascend ? (steps as number[]) : null;
}
