import { mismatch } from '../errors.js';
import { fileItems } from './json-input.js';

/**
 * Names of the training samples from a file: a JSON array of strings and numbers, or one name a line.
 * @throws GRADSIFT_IO, GRADSIFT_FORMAT naming the file; GRADSIFT_SHAPE when their number is not `samples`
 */
export async function readIds(path: string, samples: number): Promise<(string | number)[]> {
  const ids = fileItems('--ids', path);
  if (ids.length === samples) return ids;
  throw mismatch('GRADSIFT_SHAPE', `--ids: ${path}`, `${samples} ids, one for each training sample`, ids.length);
}
