// `gradsift cluster weights`, from checked options to an exit status.
import { mismatch } from '../errors.js';
import { openInputFile } from '../gradients/input-file.js';
import { replaceFile } from '../gradients/replace-file.js';
import type { InputRecord } from '../gradients/store.js';
import type { ClusterReportInput } from '../report/cluster-report.js';
import { formatNumber, formatShare } from '../report/format.js';
import { mixBasis } from '../reweighting/basis.js';
import { clusterCounts, crisp, rollUp, type ClusterCounts, type CrispPlan } from '../reweighting/crisp.js';
import { normalise } from '../reweighting/domains.js';
import { createMixture, mixtureText, type Mixture } from '../reweighting/mixture.js';
import { clusterExamples } from './cluster-examples.js';
import { parseClusterWeightsFlags, type ClusterWeightsFlags, type ClusterWeightsRequest } from './cluster-flags.js';
import { readClusters, type ClusterList } from './clusters-file.js';
import { commandLine } from './command-line.js';
import { EXIT } from './exit.js';
import { runJob, type Job } from './job.js';
import { writeLines } from './write-lines.js';

/** Documents by cluster at the level asked for. */
interface Counted {
  readonly list: ClusterList;
  readonly counts: ClusterCounts;
  readonly documents: number;
}

/** Runs the command. @returns the exit status */
export async function runClusterWeights(flags: ClusterWeightsFlags): Promise<number> {
  const request = parseClusterWeightsFlags(flags);
  const { out, report, texts = [], targetTexts = [], quiet } = request;
  const lists = [request.generic, ...request.targets];
  return runJob({ outputs: [out, report], inputs: [...lists, ...texts, ...targetTexts], quiet }, async (job) => {
    const [generic, ...targets] = await Promise.all(lists.map((path) => readClusters(path, job.signal)));
    const tree = treeOf(request, lists, [generic as ClusterList, ...targets]);
    const counted = [generic as ClusterList, ...targets].map((list): Counted => ({
      list,
      counts: tree.perNode === 1 ? clusterCounts(list.clusters) : rollUp(clusterCounts(list.clusters), tree.perNode),
      documents: list.clusters.length,
    }));
    const [corpus, ...tasks] = counted as [Counted, ...Counted[]];
    const target = mixedTarget(tasks, request.taskWeights);
    const plan = crisp({ ...request.crisp, target, generic: corpus.counts, branching: tree.branching });
    const mixture = mixtureOf(plan, corpus.counts, request);
    const page = report && (await reportPage({ plan, mixture, target, corpus, tasks, tree }, request, job));
    await writeLines(out, [mixtureText(mixture)], job.signal);
    note(plan, request, job);
    if (report !== undefined && page !== undefined) {
      await replaceFile(report, [Buffer.from(page)], job.signal);
      job.note(`report in ${report}`);
    }
    return EXIT.ok;
  });
}

interface Tree {
  /** Down to the level asked for; undefined where no file says. */
  readonly branching: readonly number[] | undefined;
  /** Clusters of the files under one of that level. */
  readonly perNode: number;
}

/** @throws GRADSIFT_ARGUMENT, GRADSIFT_SHAPE where the files are of different trees */
function treeOf(
  { branching: told, levels }: ClusterWeightsRequest,
  paths: readonly string[],
  lists: ClusterList[],
): Tree {
  const known = lists.flatMap(({ branching }, i) => (branching === undefined ? [] : [{ branching, path: paths[i] }]));
  const branching = told ?? known[0]?.branching;
  for (const other of known) {
    if (other.branching.join() === branching?.join()) continue;
    throw mismatch(
      'GRADSIFT_SHAPE',
      String(other.path),
      `clusters of a tree ${branching?.join(',')}`,
      other.branching.join(),
    );
  }
  const leaves = branching?.reduce((product, size) => product * size, 1) ?? Infinity;
  lists.forEach(({ clusters }, i) => {
    const document = clusters.findIndex((cluster) => cluster >= leaves);
    if (document < 0) return;
    throw mismatch(
      'GRADSIFT_FORMAT',
      `${paths[i]}, document ${document}`,
      `a cluster below ${leaves}`,
      clusters[document],
    );
  });
  if (levels === undefined) return { branching, perNode: 1 };
  if (branching === undefined || levels > branching.length) {
    const depth = branching === undefined ? 'a tree (--branching)' : `at most ${branching.length}`;
    throw mismatch('GRADSIFT_ARGUMENT', '--levels', depth, levels);
  }
  const perNode = branching.slice(levels).reduce((product, size) => product * size, 1);
  return { branching: branching.slice(0, levels), perNode };
}

/** Several targets as one: the mixture of their histograms, as many documents as all of them. */
function mixedTarget(tasks: readonly Counted[], shares: readonly number[] | undefined): ClusterCounts {
  const [only] = tasks;
  if (tasks.length === 1 && only !== undefined) return only.counts;
  const names = tasks.map((_, task) => `target ${task}`);
  const weights = normalise(Object.fromEntries(names.map((name, task) => [name, shares?.[task] ?? 1])));
  const basis = Object.fromEntries(names.map((name, task) => [name, normalise((tasks[task] as Counted).counts)]));
  const all = tasks.reduce((sum, { documents }) => sum + documents, 0);
  return Object.fromEntries(Object.entries(mixBasis(basis, weights)).map(([name, share]) => [name, share * all]));
}

function mixtureOf(plan: CrispPlan, generic: ClusterCounts, { crisp: settings, unit }: ClusterWeightsRequest): Mixture {
  const sources = Object.keys(plan.weights).map((name) => {
    const source = { documents: generic[name], epochs: plan.epochs?.[name], cap: settings.maxEpochs };
    return [name, source] as const;
  });
  const { weights } = plan;
  return createMixture({ method: 'crisp', weights, unit, sources: Object.fromEntries(sources) });
}

function note(
  { weights, effectiveShare, coverage, capped }: CrispPlan,
  { out }: ClusterWeightsRequest,
  job: Job,
): void {
  const all = Object.values(weights);
  const drawn = all.filter((weight) => weight > 0).length;
  const sample = `effective sample ${formatShare(effectiveShare)} of the corpus, coverage ${formatShare(coverage)}`;
  const where = out === undefined ? '' : `: ${out}`;
  job.note(`${drawn} of ${all.length} clusters have weight, ${sample}${where}`);
  if (coverage < 1) job.note(`${formatShare(1 - coverage)} of the target lie in clusters without corpus`);
  if (capped.length > 0) job.note(`${capped.length} clusters are held back by --max-epochs`);
}

interface Outcome extends Pick<ClusterReportInput, 'plan' | 'mixture' | 'target'> {
  readonly corpus: Counted;
  readonly tasks: readonly Counted[];
  readonly tree: Tree;
}

async function reportPage(
  { plan, mixture, target, corpus, tasks, tree }: Outcome,
  request: ClusterWeightsRequest,
  { signal }: Job,
): Promise<string> {
  const { clusterReport } = await import('../report/cluster-report.js');
  const { texts, targetTexts, field, crisp: settings } = request;
  const of = (paths: readonly string[] | undefined, { list }: Counted) =>
    paths && { paths, field, clusters: list.clusters, perNode: tree.perNode };
  const examples = await clusterExamples(mixture, of(texts, corpus), of(targetTexts, tasks[0] as Counted), signal);
  const smoothing = settings.smoothing && `${settings.smoothing.kind}, ${formatNumber(settings.smoothing.lambda)}`;
  return clusterReport({
    ...{ plan, mixture, target, generic: corpus.counts, branching: tree.branching, examples },
    budget: settings.budget,
    maxEpochs: settings.maxEpochs,
    uncovered: settings.uncovered,
    inputs: await records([request.generic, ...request.targets, ...(texts ?? []), ...(targetTexts ?? [])], signal),
    options: {
      command: commandLine(),
      smoothing: smoothing ?? 'none',
      uncovered: settings.uncovered ?? 'error',
    },
  });
}

async function records(paths: readonly string[], signal: AbortSignal): Promise<InputRecord[]> {
  const found: InputRecord[] = [];
  for (const path of paths) {
    const file = await openInputFile(path);
    try {
      found.push(await file.record(() => signal.throwIfAborted()));
    } finally {
      await file.close();
    }
  }
  return found;
}
