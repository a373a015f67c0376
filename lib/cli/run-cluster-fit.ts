// `gradsift cluster fit`, from checked options to an exit status.
import { openGradients } from '../gradients/open-gradients.js';
import type { GradientStore } from '../gradients/store.js';
import { fitClusters, type ClusterTree } from '../reweighting/cluster-tree.js';
import { openDocuments, type Documents } from '../reweighting/documents.js';
import { embedTexts, writeEmbeddings } from '../reweighting/embed-texts.js';
import { fitLsa, lsaEncoder, type LsaModel } from '../reweighting/lsa.js';
import { requireWords, saveTextClusters } from '../reweighting/text-clusters.js';
import { featureCounter } from '../reweighting/text-features.js';
import { parseClusterFitFlags, type ClusterFitFlags, type ClusterFitRequest } from './cluster-flags.js';
import { clusterPlanText, planClusterFit, type EmbeddingSizes } from './cluster-plan.js';
import { EXIT } from './exit.js';
import { runJob, type Job } from './job.js';
import { jsonText } from './json-text.js';
import type { ProgressBar } from './progress.js';
import { styleFor } from './text-table.js';
import { writeStandardOutput } from './write-lines.js';

/** Texts that the plan counts n-grams of. */
const COUNTED = 200;
/** Texts of one call of the encoder. */
const BATCH = 4096;
/** As fitLsa and fitClusters have them. */
const DEFAULTS = { dimensions: 128, features: 2 ** 16, samples: 2 ** 16, oversample: 16, products: 6, iterations: 20 };

/** Runs the command. @returns the exit status */
export async function runClusterFit(flags: ClusterFitFlags): Promise<number> {
  const request = parseClusterFitFlags(flags, process.stdout.isTTY);
  const { documents, out, saveEmbeddings, quiet } = request;
  const inputs = [documents.embeddings, ...(documents.texts ?? [])];
  return runJob({ outputs: [out, saveEmbeddings], inputs, quiet }, async (job) => {
    if (documents.texts === undefined) await fitEmbeddings(request, documents.embeddings, job);
    else await fitTexts(request, documents.texts, documents.field, job);
    return EXIT.ok;
  });
}

async function fitEmbeddings(request: ClusterFitRequest, path: string, job: Job): Promise<void> {
  const store = await openGradients(path);
  try {
    const [layer] = store.layers;
    const { bytes } = (await store.inputs())[0] ?? { bytes: 0 };
    if (request.dryRun) {
      await printPlan(request, store.samples, bytes, layer?.d ?? 0, undefined, job);
      return;
    }
    await finish(request, await fitTree(request, store, await job.startBar(), job), undefined, store.samples, job);
  } finally {
    await store.close();
  }
}

async function fitTexts(
  request: ClusterFitRequest,
  paths: readonly string[],
  field: string | undefined,
  job: Job,
): Promise<void> {
  const { signal } = job;
  const bar = request.dryRun ? undefined : await job.startBar();
  const documents = await openDocuments(paths, {
    ...{ field, signal },
    onProgress: ({ doneBytes, bytes }) => bar?.update(doneBytes / bytes, 'finding lines'),
  });
  try {
    const { dimensions = DEFAULTS.dimensions } = request.embedding;
    if (request.dryRun) {
      const embedding = await embeddingSizes(request, documents);
      await printPlan(request, documents.count, documents.bytes, dimensions, embedding, job);
      return;
    }
    const model = await fitLsa(documents, {
      ...{ ...request.embedding, signal },
      onProgress: ({ phase, done, of }) =>
        bar?.update(done / (of ?? documents.count), phase === 'texts' ? 'reading words' : 'decomposing'),
    });
    const store = await embed(request, model, documents, bar, signal);
    try {
      await finish(request, await fitTree(request, store, bar, job), model, documents.count, job);
    } finally {
      await store.close();
    }
  } finally {
    await documents.close();
  }
}

/** Embeddings of the documents, in memory or in the file asked for. */
async function embed(
  { embedding, saveEmbeddings }: ClusterFitRequest,
  model: LsaModel,
  documents: Documents,
  bar: ProgressBar | undefined,
  signal: AbortSignal,
): Promise<GradientStore> {
  const plain = lsaEncoder(model, { threads: embedding.threads, signal });
  let first = 0;
  const encoder = async (texts: string[]) => {
    const rows = await plain(texts);
    requireWords(rows, texts.length, (i) => documents.where(first + i));
    first += texts.length;
    return rows;
  };
  const options = {
    ...{ batch: BATCH, signal },
    onProgress: ({ done }: { done: number }) => bar?.update(done / documents.count, 'embedding'),
  };
  if (saveEmbeddings === undefined) {
    const { rows, samples, dimensions } = await embedTexts(encoder, documents, options);
    return openGradients({ layers: { texts: { rows, shape: [samples, dimensions] } } }, { source: documents.source });
  }
  await writeEmbeddings(saveEmbeddings, encoder, documents, options);
  return openGradients(saveEmbeddings);
}

async function fitTree(
  { tree }: ClusterFitRequest,
  store: GradientStore,
  bar: ProgressBar | undefined,
  { signal }: Job,
): Promise<ClusterTree> {
  const { iterations = DEFAULTS.iterations } = tree;
  const branching = [tree.branching].flat();
  const nodesAt = branching.map((_, level) => branching.slice(0, level).reduce((product, size) => product * size, 1));
  return fitClusters(store, {
    ...{ ...tree, signal },
    onProgress: ({ level, node, iteration }) => {
      const share = ((node + (iteration + 1) / iterations) / (nodesAt[level] as number) + level) / branching.length;
      bar?.update(share, `level ${level + 1}, node ${node + 1}`);
    },
  });
}

async function finish(
  { out, saveEmbeddings }: ClusterFitRequest,
  tree: ClusterTree,
  embedding: LsaModel | undefined,
  documents: number,
  { signal, note }: Job,
): Promise<void> {
  await saveTextClusters(out, { tree, embedding }, signal);
  if (saveEmbeddings !== undefined) note(`embeddings in ${saveEmbeddings}`);
  note(`${tree.branching.join(' x ')} clusters of ${documents} documents in ${out}`);
}

/** What the plan needs to know of texts. */
async function embeddingSizes(
  { embedding, saveEmbeddings }: ClusterFitRequest,
  documents: Documents,
): Promise<EmbeddingSizes> {
  const { dimensions = DEFAULTS.dimensions, features = DEFAULTS.features, seed } = embedding;
  const { words = [1, 2], characters = null } = embedding;
  const counter = featureCounter({ features, words, characters, lowercase: true, seed });
  const counted = Math.min(COUNTED, documents.count);
  const places = Array.from({ length: counted }, (_, i) => Math.floor((i * documents.count) / counted));
  const sizes = (await documents.read(places)).map((text) => counter(text).buckets.length);
  return {
    features,
    samples: Math.min(documents.count, DEFAULTS.samples),
    entries: Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, counted)),
    width: Math.min(features, dimensions + DEFAULTS.oversample),
    products: DEFAULTS.products,
    saved: saveEmbeddings !== undefined,
  };
}

async function printPlan(
  { tree, format }: ClusterFitRequest,
  documents: number,
  bytes: number,
  dimensions: number,
  embedding: EmbeddingSizes | undefined,
  { signal }: Job,
): Promise<void> {
  const plan = planClusterFit({
    ...{ documents, bytes, dimensions, embedding },
    branching: [tree.branching].flat(),
    iterations: tree.iterations ?? DEFAULTS.iterations,
    samples: Math.min(documents, tree.samples ?? documents),
    batch: tree.batch ?? null,
  });
  const text = format === 'json' ? `${jsonText(plan)}\n` : clusterPlanText(plan, styleFor(process.stdout));
  await writeStandardOutput([text], signal);
}
