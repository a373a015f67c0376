// A folder that keeps what is finished of a job: the curvature of each layer as soon as it is formed, its scores when
// all methods are through. The same job, started again, goes on from there with equal bits; another job is refused.
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GradsiftError, show } from '../errors.js';
import { readSafetensors } from '../gradients/read-safetensors.js';
import { replaceFile } from '../gradients/replace-file.js';
import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { writeSafetensors } from '../gradients/write-safetensors.js';
import { loadCurvature, saveCurvature } from './curvature-file.js';
import type { Curvature } from './curvature.js';
import type { LayerResult } from './layer-run.js';

const SCHEMA = 'gradsift/work/1';
const JOB = 'job.json';

/** What decides the bits of a result. Two jobs are the same when all of it is equal. */
export type JobDescription = Readonly<Record<string, unknown>>;

/** A layer that every method is through with. */
export interface FinishedLayer {
  readonly results: Readonly<Record<string, LayerResult>>;
  /** [queries, samples] of each method. */
  readonly scores: Readonly<Record<string, Float64Array>>;
}

export interface WorkDir {
  curvature(layer: number): Promise<Curvature | null>;
  keepCurvature(layer: number, curvature: Curvature): Promise<void>;
  finished(layer: number): Promise<FinishedLayer | null>;
  keepFinished(layer: number, finished: FinishedLayer): Promise<void>;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function ioError(path: string, what: string, cause: unknown): GradsiftError {
  return new GradsiftError('GRADSIFT_IO', `${path}: ${what}: ${(cause as Error).message}`, { cause });
}

/** @throws GRADSIFT_ARGUMENT naming what differs, when the folder belongs to another job or to nobody */
async function claim(path: string, job: JobDescription, signal: AbortSignal | undefined): Promise<void> {
  const file = join(path, JOB);
  let names: string[];
  try {
    await mkdir(path, { recursive: true });
    names = await readdir(path);
  } catch (error) {
    throw ioError(path, 'cannot be used as workDir', error);
  }
  if (!names.includes(JOB)) {
    const others = names.filter((name) => !name.endsWith('.tmp'));
    if (others.length > 0) {
      throw new GradsiftError(
        'GRADSIFT_ARGUMENT',
        `workDir: expected an empty folder or one of an earlier run, ` +
          `but ${path} holds ${show(others[0])} and no ${JOB}`,
      );
    }
    const text = `${JSON.stringify({ schema: SCHEMA, job }, null, 2)}\n`;
    return replaceFile(file, [Buffer.from(text)], signal);
  }
  const kept = await readJob(file);
  const differing = Object.keys({ ...kept, ...job }).filter(
    (key) => JSON.stringify(kept[key]) !== JSON.stringify(job[key]),
  );
  if (differing.length > 0) {
    const changes = differing
      .map((key) => `${key} (there ${shorten(kept[key])}, here ${shorten(job[key])})`)
      .join(', ');
    throw new GradsiftError('GRADSIFT_ARGUMENT', `workDir: ${path} belongs to another job; it differs in ${changes}`);
  }
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

async function readJob(file: string): Promise<JobDescription> {
  try {
    const { schema, job } = JSON.parse(await readFile(file, 'utf8')) as { schema: unknown; job: JobDescription };
    if (schema === SCHEMA && typeof job === 'object') return job;
  } catch (error) {
    throw ioError(file, 'cannot be read', error);
  }
  throw new GradsiftError('GRADSIFT_FORMAT', `${file}: expected the schema ${SCHEMA}`);
}

/** Opens the folder for this job. */
export async function openWorkDir(
  path: string,
  job: JobDescription,
  signal: AbortSignal | undefined,
): Promise<WorkDir> {
  await claim(path, job, signal);
  const fileOf = (layer: number, what: string) =>
    join(path, `layer-${String(layer).padStart(5, '0')}.${what}.safetensors`);
  return {
    async curvature(layer) {
      const file = fileOf(layer, 'curvature');
      return (await exists(file)) ? loadCurvature(file, signal) : null;
    },
    keepCurvature: (layer, curvature) => saveCurvature(fileOf(layer, 'curvature'), curvature, signal),
    async finished(layer) {
      const file = fileOf(layer, 'scores');
      if (!(await exists(file))) return null;
      const { metadata, tensors } = await readSafetensors(file, signal);
      const results = JSON.parse(metadata.get('results') ?? '{}') as Record<string, LayerResult>;
      const scores = [...tensors].map(([method, { data }]) => [method, data as Float64Array] as const);
      return { results, scores: Object.fromEntries(scores) };
    },
    async keepFinished(layer, { results, scores }) {
      const tensors = Object.entries(scores).map(([method, data]) => {
        return [method, { dtype: 'F64' as const, shape: [data.length], data }] as const;
      });
      await writeSafetensors(
        fileOf(layer, 'scores'),
        Object.fromEntries(tensors),
        { results: JSON.stringify(results) },
        signal,
      );
    },
  };
}

/** The content of a store as hashes: of its files, or of the rows themselves where they lie in memory. */
export async function storeFingerprint(
  store: GradientStore,
  blockSamplesOf: (layer: LayerInfo) => number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const inputs = await store.inputs(signal);
  const layers = store.layers.map(({ name, samples, r, d, dtype }) => [name, samples, r, d, dtype]);
  if (inputs.every(({ sha256 }) => sha256 !== null)) return { files: inputs.map(({ sha256 }) => sha256), layers };
  const hash = createHash('sha256');
  for (const layer of store.layers) {
    for await (const { rows } of store.blocks(layer, { blockSamples: blockSamplesOf(layer), signal })) {
      hash.update(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    }
  }
  return { rows: hash.digest('hex'), layers };
}
