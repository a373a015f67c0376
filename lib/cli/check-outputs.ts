import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { GradsiftError } from '../errors.js';

/**
 * Finds out now, not after an hour of work, what could not be written, or would replace an input.
 * @throws GRADSIFT_ARGUMENT, GRADSIFT_IO
 */
export async function checkOutputs(outputs: readonly string[], inputs: readonly string[]): Promise<void> {
  const paths = outputs.map((path) => resolve(path));
  const used = new Set(inputs.map((path) => resolve(path)));
  for (const [index, path] of paths.entries()) {
    if (used.has(path))
      throw new GradsiftError('GRADSIFT_ARGUMENT', `output ${path}: is an input of this command as well`);
    if (paths.indexOf(path) !== index) throw new GradsiftError('GRADSIFT_ARGUMENT', `output ${path}: is named twice`);
    const folder = await stat(dirname(path)).catch(() => undefined);
    if (!folder?.isDirectory()) throw new GradsiftError('GRADSIFT_IO', `output ${path}: ${dirname(path)} is no folder`);
    const file = await stat(path).catch(() => undefined);
    if (file?.isDirectory()) throw new GradsiftError('GRADSIFT_IO', `output ${path}: is a folder`);
  }
}
