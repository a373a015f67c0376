// CRISP: Clustered Importance Sampling (Grangier, Fan, Seto and Ablin, ICLR 2025, arXiv 2410.03735).
//
// A generic corpus and a small specialist set are clustered alike. Where the two are alike within a cluster,
//
//     L_specialist = sum_c p(c) E_{x generic in c} l(x) = E_{x generic} w(c(x)) l(x),   w(c) = p(c) / q(c)
//
// with p(c) and q(c) the shares of cluster c among specialist and generic windows. CRISP draws c by p, then x uniformly
// from the cluster (mixtureSampler does); weighing the generic loss by w has the same mean and, where losses spread
// alike in all clusters, more variance. Several specialist sets are a mixture of their histograms: mixBasis.
import { GradsiftError, mismatch, requireInteger, requireNumber, requireOneOf, show } from '../errors.js';
import { byName, proportions, readNumbers, total, type DomainNumbers, type DomainWeights } from './domains.js';
import { withinLimits } from './limits.js';

/** Counts of windows by cluster; a cluster that is not named has none. */
export type ClusterCounts = DomainNumbers;

/** How thin counts are filled: (s + lambda) / sum over clusters with generic data, or (1 - lambda) p + lambda q. */
export type CrispSmoothing =
  { readonly kind: 'additive'; readonly lambda: number } | { readonly kind: 'generic'; readonly lambda: number };

/** Options of {@link crisp}. */
export interface CrispOptions {
  /** Specialist windows by cluster. */
  readonly target: ClusterCounts;
  /** Generic windows by cluster: what there is to train on. */
  readonly generic: ClusterCounts;
  /** Default none, as published. */
  readonly smoothing?: CrispSmoothing | undefined;
  /**
   * Specialist windows in clusters without generic data: 'error' (default); 'drop' leaves them out; 'parent' gives them
   * to the nearest clusters of the tree that have data, in proportion to it (needs `branching`).
   */
  readonly uncovered?: 'error' | 'drop' | 'parent' | undefined;
  /** Children at each level of the tree, from the root: names are then the whole numbers of its leaves. */
  readonly branching?: readonly number[] | undefined;
  /** Windows that the run will draw, > 0: plans epochs. */
  readonly budget?: number | undefined;
  /** Most passes over a cluster, > 0; what it cuts off goes to the others in proportion. Needs `budget`. */
  readonly maxEpochs?: number | undefined;
}

/** How to draw generic data for a specialist set. Clusters are those with generic data, in the order of `generic`. */
export interface CrispPlan {
  /** p: what to draw clusters by. */
  readonly weights: DomainWeights;
  /** w = p / q: what to weigh the loss of a generic window by instead. */
  readonly importance: DomainNumbers;
  /** Effective sample size of weighing, as a share of the generic windows: 1 / sum p^2 / q, in (0, 1]. */
  readonly effectiveShare: number;
  /** Share of the specialist windows in clusters with generic data, in [0, 1]. */
  readonly coverage: number;
  /** Passes over each cluster, where a budget was given. */
  readonly epochs?: DomainNumbers;
  /** Clusters that maxEpochs holds back. */
  readonly capped: readonly string[];
}

/**
 * Sampling weights of the clusters of a generic corpus for a specialist set.
 * @throws GradsiftError GRADSIFT_ARGUMENT for counts < 0 or empty, specialist windows without generic data, or a budget
 * beyond what maxEpochs allows; GRADSIFT_NON_FINITE
 */
export function crisp(options: CrispOptions): CrispPlan {
  const { smoothing, budget, maxEpochs } = options;
  checkOptions(options);
  const generic = counted('generic', options.generic).filter(([, count]) => count > 0);
  const names = generic.map(([name]) => name);
  const n = generic.map(([, count]) => count);
  const q = proportions('generic', n);
  const target = counted('target', options.target);
  const { s, coverage } = cover(target, names, n, options);
  const p = smoothed(s, q, smoothing);
  const cap = n.map((count) => (budget && maxEpochs ? Math.min(1, (maxEpochs * count) / budget) : 1));
  if (!(total(cap) >= 1 - n.length * 2 ** -52)) {
    const most = Math.floor((maxEpochs as number) * total(n));
    throw mismatch('GRADSIFT_ARGUMENT', 'budget', `at most ${most}, what ${maxEpochs} passes over all have`, budget);
  }
  const over = names.filter((_, c) => (p[c] as number) > (cap[c] as number));
  const weights = over.length === 0 ? p : withinLimits(p, { floor: n.map(() => 0), cap });
  return {
    weights: byName(names, weights),
    importance: byName(
      names,
      weights.map((share, c) => share / (q[c] as number)),
    ),
    effectiveShare: 1 / weights.reduce((sum, share, c) => sum + share ** 2 / (q[c] as number), 0),
    coverage,
    ...(budget === undefined
      ? {}
      : {
          epochs: byName(
            names,
            weights.map((share, c) => (budget * share) / (n[c] as number)),
          ),
        }),
    capped: over,
  };
}

function checkOptions({ smoothing, uncovered = 'error', branching, budget, maxEpochs }: CrispOptions): void {
  requireOneOf('uncovered', uncovered, ['error', 'drop', 'parent']);
  if (smoothing !== undefined) {
    requireOneOf('smoothing.kind', smoothing?.kind, ['additive', 'generic']);
    const most = smoothing.kind === 'generic' ? 1 : Number.MAX_VALUE;
    requireNumber('smoothing.lambda', smoothing.lambda, `a number in [0, ${most}]`, (x) => x >= 0 && x <= most);
  }
  if (uncovered === 'parent') {
    if (!(Array.isArray(branching) && branching.length > 0)) {
      throw mismatch('GRADSIFT_ARGUMENT', 'branching', "the tree's, for uncovered 'parent'", branching);
    }
    branching.forEach((children, level) => requireInteger(`branching[${level}]`, children, 1));
  }
  if (budget !== undefined) requireNumber('budget', budget, 'a number > 0', (value) => value > 0);
  if (maxEpochs === undefined) return;
  requireNumber('maxEpochs', maxEpochs, 'a number > 0', (value) => value > 0);
  if (budget === undefined) throw mismatch('GRADSIFT_ARGUMENT', 'maxEpochs', 'a budget beside it', maxEpochs);
}

function counted(name: string, counts: ClusterCounts): [string, number][] {
  const names = Object.keys(counts ?? {});
  return readNumbers(name, counts, names).map((count, index) => {
    requireNumber(`${name}.${names[index]}`, count, 'a count >= 0', (value) => value >= 0);
    return [names[index] as string, count];
  });
}

/** Specialist counts over the clusters with generic data. */
function cover(
  target: readonly (readonly [string, number])[],
  names: readonly string[],
  n: readonly number[],
  { uncovered = 'error', branching = [] }: CrispOptions,
): { s: number[]; coverage: number } {
  const places = new Map(names.map((name, index) => [name, index]));
  const s = names.map(() => 0);
  const outside = target.filter(([name, count]) => count > 0 && !places.has(name));
  for (const [name, count] of target) if (places.has(name)) s[places.get(name) as number] = count;
  const all = target.reduce((sum, [, count]) => sum + count, 0);
  if (!(all > 0)) throw mismatch('GRADSIFT_ARGUMENT', 'target', 'at least one window', all);
  const coverage = total(s) / all;
  if (outside.length > 0 && uncovered === 'error') {
    const [name] = outside[0] as readonly [string, number];
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `target: ${outside.length} clusters (the first is ${name}) have no generic data: ` +
        "uncovered 'drop' leaves them out, uncovered 'parent' gives them to their neighbours in the tree",
    );
  }
  if (uncovered === 'parent') addToRelatives(outside, names, n, s, branching);
  if (!(total(s) > 0)) throw new GradsiftError('GRADSIFT_ARGUMENT', 'target: no window in a cluster with generic data');
  return { s, coverage };
}

/** Adds windows of leaves without generic data to the leaves under their nearest ancestors that have some. */
function addToRelatives(
  outside: readonly (readonly [string, number])[],
  names: readonly string[],
  n: readonly number[],
  s: number[],
  branching: readonly number[],
): void {
  const leaves = names.map((name) => leafOf(name, branching));
  let homeless = outside.map(([name, count]) => [leafOf(name, branching), count] as const);
  let size = 1;
  for (const children of [...branching].reverse()) {
    size *= children;
    const parent = (leaf: number) => Math.floor(leaf / size);
    const data = new Map<number, number>();
    leaves.forEach((leaf, c) => data.set(parent(leaf), (data.get(parent(leaf)) ?? 0) + (n[c] as number)));
    const given = new Map<number, number>();
    for (const [leaf, count] of homeless) given.set(parent(leaf), (given.get(parent(leaf)) ?? 0) + count);
    leaves.forEach((leaf, c) => {
      const node = parent(leaf);
      s[c]! += ((given.get(node) ?? 0) * (n[c] as number)) / (data.get(node) as number);
    });
    homeless = homeless.filter(([leaf]) => !data.has(parent(leaf)));
  }
}

/** The number that a leaf is named by. @throws GRADSIFT_ARGUMENT, also for one that is not in the tree */
function leafOf(name: string, branching?: readonly number[]): number {
  const leaves = branching?.reduce((product, children) => product * children, 1);
  const leaf = /^\d+$/.test(name) ? Number(name) : NaN;
  requireInteger(`cluster ${show(name)}`, leaf, 0, leaves && leaves - 1);
  return leaf;
}

function smoothed(s: readonly number[], q: readonly number[], smoothing: CrispSmoothing | undefined): number[] {
  if (smoothing?.kind === 'additive') {
    return proportions(
      'target',
      s.map((count) => count + smoothing.lambda),
    );
  }
  const p = proportions('target', s);
  const lambda = smoothing?.lambda ?? 0;
  return lambda === 0 ? p : p.map((share, c) => (1 - lambda) * share + lambda * (q[c] as number));
}

/** Counts of windows by cluster, from the cluster of each window. */
export function clusterCounts(clusters: ArrayLike<number>): ClusterCounts {
  const counts = new Map<number, number>();
  for (let i = 0; i < clusters.length; ++i) {
    const cluster = clusters[i] as number;
    counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => a - b).map(([cluster, count]) => [String(cluster), count]));
}

/**
 * Counts at a coarser level of the tree: leaf = parent * children + j, so that parents are quotients.
 * @param leavesPerNode leaves under a node of the wanted level, >= 1
 * @throws GradsiftError GRADSIFT_ARGUMENT
 */
export function rollUp(counts: ClusterCounts, leavesPerNode: number): ClusterCounts {
  requireInteger('leavesPerNode', leavesPerNode, 1);
  const coarse = new Map<number, number>();
  for (const [name, count] of counted('counts', counts)) {
    const node = Math.floor(leafOf(name) / leavesPerNode);
    coarse.set(node, (coarse.get(node) ?? 0) + count);
  }
  return Object.fromEntries([...coarse].sort(([a], [b]) => a - b).map(([node, count]) => [String(node), count]));
}
