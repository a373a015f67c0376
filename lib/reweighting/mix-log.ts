// What a run that learns a mixture writes down, schema gradsift/mix-log/1: JSON lines, a header and then a line a step.
//
//     {"schema":"gradsift/mix-log/1","rule":"dga","domains":["md","js"],"target":"wiki","version":"0.1.0"}
//     {"step":1,"loss":5.1,"lossByDomain":{"md":5.2,"js":5.0},"weights":{"md":0.5,"js":0.5}}
//     {"step":100,"loss":3.2,"lossByDomain":{...},"weights":{...},"evidence":{"alignment":{"md":0.3,"js":-0.1}}}
//
// Another program may leave the header out and write bare evidence: {"step":100,"alignment":{"md":0.3,"js":-0.1}}.
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { GradsiftError, mismatch, requireInteger, requireNumber, show } from '../errors.js';
import { ioError } from '../gradients/input-file.js';
import { isRecord, parseJson } from '../gradients/json.js';
import { replaceFile } from '../gradients/replace-file.js';
import { VERSION } from '../version.js';
import { readNumbers, readWeights, requireNames, type DomainNumbers, type DomainWeights } from './domains.js';

const SCHEMA = 'gradsift/mix-log/1';
/** Nesting of a line: evidence, sweeps, sweep, mixture, with room to spare. */
const MAX_DEPTH = 8;

/** What a log is about. */
export interface MixLogHeader {
  /** Name of the rule. */
  readonly rule: string;
  readonly domains: readonly string[];
  /** Name of the target, where the rule has one. Default null. */
  readonly target?: string | null | undefined;
}

/** One step of a run. */
export interface MixLogStep {
  /** Training steps done, >= 0; ascending in a log. */
  readonly step: number;
  /** Training loss, nats per token; NaN is written as null. */
  readonly loss?: number | undefined;
  /** Loss of what the batch was drawn from: the domains, or the clusters under them. */
  readonly lossByDomain?: DomainNumbers | undefined;
  /** Loss of the target, on steps that measured it. */
  readonly targetLoss?: number | undefined;
  /** What the next steps train with. */
  readonly weights?: DomainWeights | undefined;
  /** The rule's answer so far, where it is another: DoGE's and DoReMi's mean. */
  readonly learned?: DomainWeights | undefined;
  /** What the rule was updated with, on steps that updated it. */
  readonly evidence?: object | undefined;
}

/** A log as it was read. */
export interface MixLog {
  /** null: written without one, every line evidence. */
  readonly header: Required<MixLogHeader> | null;
  /** In the order of the file; `line` counts from 1. */
  readonly steps: readonly (MixLogStep & { readonly line: number })[];
}

/** A log being written. */
export interface MixLogWriter {
  /** Adds a line; it is with the operating system when this returns. */
  write(step: MixLogStep): void;
  close(): void;
}

const headerLine = ({ rule, domains, target = null }: MixLogHeader) =>
  JSON.stringify({ schema: SCHEMA, rule, domains, target, version: VERSION });

/** A whole log, line by line. */
export function* mixLogLines(header: MixLogHeader, steps: Iterable<MixLogStep>): Generator<string> {
  yield `${headerLine(header)}\n`;
  for (const step of steps) yield `${JSON.stringify(step)}\n`;
}

/**
 * Begins a log, or goes on with one: after a restart from a checkpoint of `stepsDone` steps, later lines are dropped,
 * since the run will write them again. Where there is no log, one begins with the next step.
 * @throws GradsiftError GRADSIFT_IO; GRADSIFT_ARGUMENT when the log there is of another rule or other domains
 */
export async function openMixLog(path: string, header: MixLogHeader, stepsDone = 0): Promise<MixLogWriter> {
  const { rule, domains, target = null } = header;
  requireNames('domains', domains);
  requireInteger('stepsDone', stepsDone, 0);
  const kept = stepsDone === 0 || !existsSync(path) ? [] : await linesUpTo(path, { rule, domains, target }, stepsDone);
  const lines = kept.length === 0 ? [headerLine(header)] : kept;
  await replaceFile(path, [new TextEncoder().encode(`${lines.join('\n')}\n`)]);
  const file = openSync(path, 'a');
  let next = stepsDone === 0 ? 0 : stepsDone + 1;
  return {
    write(step) {
      requireInteger('step', step.step, next);
      next = step.step + 1;
      try {
        writeSync(file, `${JSON.stringify(step)}\n`);
      } catch (error) {
        throw ioError(path, 'cannot be written', error);
      }
    },
    close: () => closeSync(file),
  };
}

async function linesUpTo(path: string, header: MixLogHeader, stepsDone: number): Promise<string[]> {
  const text = await readText(path);
  const log = parseMixLog(text, path);
  const same = (value: MixLogHeader | null) => JSON.stringify([value?.rule, value?.domains, value?.target]);
  if (same(log.header) !== same(header)) {
    throw mismatch('GRADSIFT_ARGUMENT', path, 'a log of this rule with these domains', log.header?.rule);
  }
  const end = log.steps.find(({ step }) => step > stepsDone)?.line ?? Infinity;
  return completeLines(text).slice(0, end - 1);
}

/** Reads a log. @throws GradsiftError GRADSIFT_IO, and as {@link parseMixLog} */
export async function readMixLog(path: string): Promise<MixLog> {
  return parseMixLog(await readText(path), path);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw ioError(path, 'cannot be read', error);
  }
}

/** Without a last line that was cut off while it was written. */
function completeLines(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const last = lines.pop() as string;
  return isJson(last) ? [...lines, last] : lines;
}

function isJson(text: string): boolean {
  try {
    return isRecord(JSON.parse(text));
  } catch {
    return false;
  }
}

/**
 * Reads the text of a log; empty lines, and a last line that was cut off, do not count. A line without a step is one
 * after the line before.
 * @param source for messages: where the text came from
 * @throws GradsiftError GRADSIFT_FORMAT, GRADSIFT_ARGUMENT or GRADSIFT_NON_FINITE, each naming the line
 */
export function parseMixLog(text: string, source = 'log'): MixLog {
  let header: MixLog['header'] = null;
  let last = 0;
  const steps: MixLog['steps'][number][] = [];
  completeLines(text).forEach((content, index) => {
    if (content.trim() === '') return;
    const line = index + 1;
    named(`${source}, line ${line}`, () => {
      const value = parseLine(content);
      if (steps.length === 0 && header === null && 'schema' in value) header = readHeader(value);
      else {
        const { step = last + 1 } = value;
        requireInteger('step', step, steps.length === 0 ? 0 : last + 1);
        last = step;
        steps.push({ ...readStep(value, header), step, line });
      }
    });
  });
  if (steps.length === 0) throw new GradsiftError('GRADSIFT_FORMAT', `${source}: expected at least one step, got none`);
  return { header, steps };
}

/** Runs `read`; what it throws says where. */
function named(where: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof GradsiftError)) throw error;
    throw new GradsiftError(error.code, `${where}: ${error.message}`, { cause: error });
  }
}

function parseLine(content: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(content, MAX_DEPTH);
  } catch (cause) {
    if (/[:,[]\s*-?(NaN|Infinity)\b/.test(content)) {
      throw new GradsiftError('GRADSIFT_NON_FINITE', 'holds NaN or infinity', { cause });
    }
    throw new GradsiftError('GRADSIFT_FORMAT', `not JSON: ${(cause as Error).message}`, { cause });
  }
  if (isRecord(value)) return value;
  throw mismatch('GRADSIFT_FORMAT', 'line', 'a JSON object', value);
}

function readHeader({ schema, rule, domains, target = null }: Record<string, unknown>): Required<MixLogHeader> {
  if (schema !== SCHEMA) throw mismatch('GRADSIFT_FORMAT', 'schema', show(SCHEMA), schema);
  if (typeof rule !== 'string') throw mismatch('GRADSIFT_FORMAT', 'rule', 'a name', rule);
  if (target !== null && typeof target !== 'string') {
    throw mismatch('GRADSIFT_FORMAT', 'target', 'a name or null', target);
  }
  requireNames('domains', domains);
  return { rule, domains, target };
}

function readStep(value: Record<string, unknown>, header: MixLog['header']): Omit<MixLogStep, 'step'> {
  const { step: _, ...evidence } = value;
  if (header === null && value.evidence === undefined) {
    return { evidence, ...(isRecord(value.loss) ? { lossByDomain: value.loss as DomainNumbers } : {}) };
  }
  if (value.evidence !== undefined && !isRecord(value.evidence)) {
    throw mismatch('GRADSIFT_FORMAT', 'evidence', 'an object', value.evidence);
  }
  const loss = (key: 'loss' | 'targetLoss') => {
    const number = value[key] ?? undefined;
    if (number !== undefined) requireNumber(key, number);
    return number;
  };
  const weights = (key: 'weights' | 'learned') => {
    if (value[key] !== undefined) readWeights(key, value[key], header?.domains ?? Object.keys(value[key] ?? {}));
    return value[key] as DomainWeights | undefined;
  };
  return {
    loss: loss('loss'),
    targetLoss: loss('targetLoss'),
    lossByDomain: readLosses(value.lossByDomain),
    weights: weights('weights'),
    learned: weights('learned'),
    evidence: value.evidence,
  };
}

/** A domain whose loss was NaN is left out. */
function readLosses(losses: unknown): DomainNumbers | undefined {
  if (!isRecord(losses)) {
    if (losses === undefined) return undefined;
    throw mismatch('GRADSIFT_FORMAT', 'lossByDomain', 'an object', losses);
  }
  const known = Object.fromEntries(Object.entries(losses).filter(([, loss]) => loss !== null));
  readNumbers('lossByDomain', known, Object.keys(known));
  return known as DomainNumbers;
}
