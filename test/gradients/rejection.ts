import type { GradsiftError } from '../../lib/errors.js';

export interface Rejection {
  readonly code: string;
  readonly message: string;
}

/** What a promise is rejected with. Codes, not classes: jest runs tests in a realm of their own. */
export async function rejection(promise: Promise<unknown>): Promise<Rejection> {
  try {
    await promise;
  } catch (error) {
    const { code, message } = error as GradsiftError;
    return { code, message };
  }
  throw new Error('expected a rejection');
}
