// What `gradsift cluster fit` would cost: the sizes are known, the words of a text are counted in the first ones.
import { formatBytes, formatCount, formatNumber } from '../report/format.js';
import { textTable, type Style } from './text-table.js';

/** Rows of k-means++ a cluster, as lib/reweighting/k-means.ts has it. */
const INIT_ROWS = 32;
const FLOAT = 4;

export interface ClusterFitSizes {
  readonly documents: number;
  /** Bytes of the files. */
  readonly bytes: number;
  readonly dimensions: number;
  readonly branching: readonly number[];
  readonly iterations: number;
  /** Documents that the tree is fitted on. */
  readonly samples: number;
  readonly batch: number | null;
  /** Where documents are texts. */
  readonly embedding: EmbeddingSizes | undefined;
}

export interface EmbeddingSizes {
  readonly features: number;
  /** Texts that the embedding is fitted on. */
  readonly samples: number;
  /** Different n-grams of a text. */
  readonly entries: number;
  /** Columns of the decomposition, and products with them. */
  readonly width: number;
  readonly products: number;
  /** Whether embeddings go to a file. */
  readonly saved: boolean;
}

export interface ClusterFitPlan {
  readonly documents: number;
  readonly dimensions: number;
  readonly levels: readonly { readonly nodes: number; readonly clusters: number; readonly flops: number }[];
  /** Of the embedding; 0 where it is given. */
  readonly embeddingFlops: number;
  readonly passes: number;
  readonly bytesRead: number;
  readonly flops: number;
  readonly memoryBytes: number;
}

/** Upper bounds: k-means ends early when no label changes. */
export function planClusterFit(sizes: ClusterFitSizes): ClusterFitPlan {
  const { documents, bytes, dimensions: d, branching, iterations, samples, batch, embedding } = sizes;
  let nodes = 1;
  let centroidBytes = 0;
  const levels = branching.map((clusters, level) => {
    const step = batch === null ? samples : Math.min(samples, batch * nodes);
    const initial = Math.min(samples, INIT_ROWS * clusters * nodes);
    const descent = level + 1 < branching.length ? samples : 0;
    const flops = 2 * d * clusters * (initial + iterations * step + descent);
    const own = { nodes, clusters, flops };
    nodes *= clusters;
    centroidBytes += nodes * d * FLOAT;
    return own;
  });
  const e = embedding;
  const entries = e === undefined ? 0 : e.samples * e.entries;
  const embeddingFlops = e === undefined ? 0 : 2 * e.products * entries * e.width + 2 * documents * e.entries * d;
  // Counts, the rows of the matrix and of its transpose; two thin matrices on either side; V.
  const learning =
    e === undefined ? 0 : 24 * entries + FLOAT * (2 * e.samples * e.width + e.features * (3 * e.width + d));
  const kept = e === undefined || e.saved ? 0 : documents * d * FLOAT;
  const clustering = 2 * samples * d * FLOAT + centroidBytes + kept + (e === undefined ? 0 : e.features * d * FLOAT);
  const passes = e === undefined ? 1 : 3; // texts: lines, words, embeddings
  return {
    ...{ documents, dimensions: d, levels, embeddingFlops, passes },
    bytesRead: passes * bytes + (e?.saved ? documents * d * FLOAT : 0),
    flops: levels.reduce((sum, { flops }) => sum + flops, embeddingFlops),
    memoryBytes: Math.max(learning, clustering),
  };
}

const gigaflops = (flops: number) => `${formatNumber(flops / 1e9, 3)} Gflop`;

/** The plan for people. */
export function clusterPlanText(plan: ClusterFitPlan, style: Style): string {
  const rows = plan.levels.map(({ nodes, clusters, flops }, level) => [
    `level ${level + 1}`,
    formatCount(nodes),
    formatCount(clusters),
    gigaflops(flops),
  ]);
  const embedding = plan.embeddingFlops > 0 ? [['embedding', '', '', gigaflops(plan.embeddingFlops)]] : [];
  return [
    ...textTable(
      [
        { title: 'step' },
        { title: 'nodes', align: 'right' },
        { title: 'clusters each', align: 'right' },
        { title: 'work at most', align: 'right' },
      ],
      [...embedding, ...rows],
      style,
    ),
    '',
    `${formatCount(plan.documents)} documents, ${formatCount(plan.dimensions)} dimensions`,
    `passes over the files: ${plan.passes}`,
    `to read ${formatBytes(plan.bytesRead)}, to compute at most ${gigaflops(plan.flops)}`,
    `memory about ${formatBytes(plan.memoryBytes)}`,
    '',
  ].join('\n');
}
