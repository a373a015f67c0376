// `gradsift cluster assign`, from checked options to an exit status.
import { GradsiftError, mismatch } from '../errors.js';
import { openGradients } from '../gradients/open-gradients.js';
import type { InputRecord } from '../gradients/store.js';
import { assignClusters } from '../reweighting/cluster-tree.js';
import { openDocuments } from '../reweighting/documents.js';
import { assignTexts, loadTextClusters, type TextClusters } from '../reweighting/text-clusters.js';
import { parseClusterAssignFlags, type ClusterAssignFlags, type ClusterAssignRequest } from './cluster-flags.js';
import { writeClusters } from './clusters-file.js';
import { EXIT } from './exit.js';
import { runJob, type Job } from './job.js';

/** Runs the command. @returns the exit status */
export async function runClusterAssign(flags: ClusterAssignFlags): Promise<number> {
  const request = parseClusterAssignFlags(flags);
  const { documents, tree: path, levels, out, format, quiet } = request;
  const inputs = [path, documents.embeddings, ...(documents.texts ?? [])];
  return runJob({ outputs: [out], inputs, quiet }, async (job) => {
    const model = await loadTextClusters(path, job.signal);
    if (documents.texts !== undefined && model.embedding === undefined) {
      const expected = `--embeddings made like those that ${path} was fitted on`;
      throw mismatch('GRADSIFT_ARGUMENT', '--texts', expected, documents.texts[0]);
    }
    const found = await (documents.texts === undefined
      ? assignRows(request, documents.embeddings, model, job)
      : assignLines(request, documents.texts, documents.field, model, job));
    const branching = model.tree.branching.slice(0, levels);
    await writeClusters(out, format, { ...found, branching }, job.signal);
    if (out !== undefined) {
      const occupied = new Set(found.clusters).size;
      job.note(`${found.clusters.length} documents in ${occupied} clusters: ${out}`);
    }
    return EXIT.ok;
  });
}

interface Found {
  readonly clusters: Uint32Array;
  readonly inputs: readonly InputRecord[];
}

async function assignRows(
  { levels, threads }: ClusterAssignRequest,
  path: string,
  { tree }: TextClusters,
  { signal, startBar }: Job,
): Promise<Found> {
  const store = await openGradients(path);
  try {
    const bar = await startBar();
    const clusters = await assignClusters(tree, store, {
      ...{ levels, threads, signal },
      onProgress: ({ done, samples }) => bar?.update(done / samples, 'assigning'),
    });
    return { clusters, inputs: await store.inputs() };
  } finally {
    await store.close();
  }
}

async function assignLines(
  { levels, threads }: ClusterAssignRequest,
  paths: readonly string[],
  field: string | undefined,
  model: TextClusters,
  { signal, startBar }: Job,
): Promise<Found> {
  const bar = await startBar();
  const documents = await openDocuments(paths, {
    ...{ field, signal },
    onProgress: ({ doneBytes, bytes }) => bar?.update(doneBytes / bytes, 'finding lines'),
  });
  try {
    if (documents.count === 0) {
      throw new GradsiftError('GRADSIFT_ARGUMENT', `--texts: expected at least one document in ${paths.join(', ')}`);
    }
    const clusters = await assignTexts(model, documents, {
      ...{ levels, threads, signal },
      where: (place) => documents.where(place),
      onProgress: ({ done }) => bar?.update(done / documents.count, 'assigning'),
    });
    return { clusters, inputs: await documents.inputs() };
  } finally {
    await documents.close();
  }
}
