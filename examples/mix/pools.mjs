// What a job draws its windows from, and what it is tested on.
import { clusterCounts, crisp, normalise, rollUp } from 'gradsift';
import { CONTEXT, DOMAINS, choose, pick } from './domains.mjs';
import { SPECIALITY, TARGET } from './experiments.mjs';

/** Of the speciality in the first mixture of DGA over clusters. */
const FIRST_SHARE = 0.05;
const SEEDS = { target: 1000, generic: 2000, special: 3000 };

const some = (windows, count, seed) =>
  pick(windows, choose([...Array(windows.count).keys()], Math.min(count, windows.count), seed));

/** The generic text and the few special windows of a seed: { generic, domains: of each window, target }. */
export function specialSets({ experiment, seed }, scale, { special }) {
  const { generic, target } = scale[experiment];
  const order = choose([...Array(special.generic.count).keys()], generic, SEEDS.generic + seed);
  return {
    generic: pick(special.generic, order),
    domains: order.map((index) => special.generic.domains[index]),
    target: some(special.target, target, SEEDS.special + seed),
  };
}

/**
 * { pools: windows by name, basis: distributions over pools, initial: weights, target: windows, tests: windows by name,
 * plan: of CRISP }, each undefined where a job has none
 */
export function poolsOf(job, scale, data, results) {
  if (job.experiment === 'universal' || job.experiment === 'ood') return domainPools(job, scale, data, results);
  const sets = specialSets(job, scale, data);
  const found = specialPools(job, scale, sets, results);
  return { target: job.rule && sets.target, tests: { [SPECIALITY]: data.special.test }, ...found };
}

function domainPools({ experiment, seed, weights, rule, add, only }, scale, { domains }, results) {
  const names = experiment === 'ood' ? DOMAINS.filter((name) => name !== TARGET) : DOMAINS;
  const pools = Object.fromEntries(names.map((name) => [name, domains[name].train]));
  const target = experiment === 'ood' ? some(domains[TARGET].train, scale.target, SEEDS.target + seed) : undefined;
  const tests = Object.fromEntries(DOMAINS.map((name) => [name, domains[name].validation]));
  const sizes = Object.fromEntries(names.map((name) => [name, domains[name].available]));
  const initial = weights === 'proportional' ? normalise(sizes) : results.get(weights?.of)?.learned;
  const needsTarget = experiment === 'ood' && rule !== undefined;
  if (only) return { pools: { [TARGET]: target }, tests };
  return {
    pools: add ? { ...pools, [TARGET]: target } : pools,
    initial,
    target: needsTarget ? target : undefined,
    tests,
  };
}

function specialPools({ experiment, pools, clusters, levels = 2, seed }, scale, { generic, domains }, results) {
  if (pools === 'generic') return { pools: { generic } };
  const { branching } = scale[experiment];
  const per = levels === 2 ? 1 : branching[1];
  const labels = results.get(clusters).generic.map((leaf) => Math.floor(leaf / per));
  const members = membersOf(labels);
  const target = rollUp(clusterCounts(results.get(clusters).target), per);
  const plan = crisp({
    ...{ target, generic: clusterCounts(labels), uncovered: 'parent', branching: branching.slice(0, levels) },
    budget: scale.steps.base * scale.batch,
  });
  const byCluster = Object.fromEntries([...members].map(([name, own]) => [name, pick(generic, own)]));
  if (pools === 'clusters') return { pools: byCluster, initial: plan.weights, plan };
  return { pools: byCluster, ...basisOf(plan.weights, labels, domains) };
}

/**
 * Basis distributions of DGA: the clusters of each domain, and those of the speciality, which CRISP draws by. The run
 * begins with generic text as it lies and a little of the speciality.
 */
function basisOf(special, labels, domains) {
  const own = DOMAINS.map((domain) => [domain, labels.filter((_, index) => domains[index] === domain)]);
  const present = own.filter(([, labels]) => labels.length > 0);
  const share = ([domain, { length }]) => [domain, ((1 - FIRST_SHARE) * length) / labels.length];
  return {
    basis: {
      [SPECIALITY]: special,
      ...Object.fromEntries(present.map(([d, labels]) => [d, normalise(clusterCounts(labels))])),
    },
    initial: { [SPECIALITY]: FIRST_SHARE, ...Object.fromEntries(present.map(share)) },
  };
}

function membersOf(labels) {
  const members = new Map();
  labels.forEach((label, index) => {
    const name = String(label);
    if (!members.has(name)) members.set(name, []);
    members.get(name).push(index);
  });
  return members;
}

/** Inputs and targets of windows, as bytes: { inputs, targets }, Int32Array of [count][CONTEXT]. */
export function tokens(list) {
  const [inputs, targets] = [0, 1].map(() => new Int32Array(list.length * CONTEXT));
  list.forEach(({ windows, index }, row) => {
    const at = index * windows.length;
    for (let t = 0; t < CONTEXT; ++t) {
      inputs[row * CONTEXT + t] = windows.bytes[at + t];
      targets[row * CONTEXT + t] = windows.bytes[at + t + 1];
    }
  });
  return { inputs, targets };
}
