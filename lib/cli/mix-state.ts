// Where `gradsift mix learn` stopped: the state of a rule, its options, and the last step that it has seen.
import { GradsiftError, mismatch, requireInteger, requireOneOf } from '../errors.js';
import { isRecord } from '../gradients/json.js';
import type { ReweighterState } from '../reweighting/reweighter.js';
import { readObject } from './json-input.js';
import { jsonText } from './json-text.js';
import { RULE_NAMES, type RuleName } from './mix-rule-options.js';

const SCHEMA = 'gradsift/mix-state/1';

export interface SavedState {
  readonly path: string;
  readonly rule: RuleName;
  readonly options: Readonly<Record<string, unknown>>;
  /** The last step of the log, or of the names of gradient files, that the state has seen. */
  readonly step: number;
  readonly state: ReweighterState;
}

export function stateText({
  rule,
  options,
  step,
  state,
}: Omit<SavedState, 'path' | 'options'> & { options: object }): string {
  return `${jsonText({ schema: SCHEMA, rule, options, step, state })}\n`;
}

/** @throws GRADSIFT_FORMAT, GRADSIFT_IO naming the file */
export function readState(path: string): SavedState {
  const { schema, rule, options, step, state } = readObject('--resume', path);
  try {
    if (schema !== SCHEMA) throw mismatch('GRADSIFT_FORMAT', 'schema', SCHEMA, schema);
    requireOneOf('rule', rule, RULE_NAMES);
    if (!isRecord(options)) throw mismatch('GRADSIFT_FORMAT', 'options', 'an object', options);
    requireInteger('step', step, 0);
    if (!isRecord(state)) throw mismatch('GRADSIFT_FORMAT', 'state', 'an object', state);
    return { path, rule, options, step, state: state as unknown as ReweighterState };
  } catch (error) {
    throw new GradsiftError('GRADSIFT_FORMAT', `--resume: ${path}: ${(error as Error).message}`, { cause: error });
  }
}
