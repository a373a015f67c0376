import { Command } from 'commander';
import type { ClusterAssignFlags, ClusterFitFlags, ClusterWeightsFlags } from './cluster-flags.js';

const EXAMPLES = `
Texts: .jsonl files with a string "text" on each line, or text files with a document a line. Embeddings: .npy or
.safetensors, [documents, dimensions], of any encoder.

Examples:
  cluster a corpus by its words, and tell where a small set of examples lies in it
    $ gradsift cluster fit --texts corpus.jsonl --branching 64,64 --seed 0 --out tree.safetensors
    $ gradsift cluster assign --tree tree.safetensors --texts corpus.jsonl --out generic.json
    $ gradsift cluster assign --tree tree.safetensors --texts examples.jsonl --out target.json
  sample the corpus so that it looks like the examples, no document more than four times
    $ gradsift cluster weights --generic generic.json --target target.json --uncovered parent \\
        --budget 100000 --max-epochs 4 --out mixture.json --report page.html \\
        --texts corpus.jsonl --target-texts examples.jsonl
  the same with a sentence encoder's embeddings
    $ gradsift cluster fit --embeddings corpus.npy --branching 4096 --seed 0 --out tree.safetensors

Exit status: 0 fine, 2 bad input or usage, 130 interrupted.`;

const collect = (value: string, before: readonly string[] = []) => [...before, value];

function subcommand(name: string, description: string, usage: string): Command {
  return new Command(name)
    .description(description)
    .usage(usage)
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments(false);
}

/** Where documents come from, for fit and assign. */
function withDocuments(command: Command): Command {
  return command
    .optionsGroup('Input:')
    .option('--embeddings <file>', 'one row a document')
    .option('--texts <files>', 'one document a line; several files with commas')
    .option('--field <name>', 'where a line of JSON has its text (default: text)');
}

function withRunning(command: Command): Command {
  return command
    .optionsGroup('Running:')
    .option('--threads <n>', 'at most this many (default: all of this process)')
    .option('--quiet', 'no progress bar, no notes');
}

function fitCommand(settle: (status: number) => void): Command {
  const command = withDocuments(
    subcommand(
      'fit',
      'Fit a tree of clusters to a corpus.',
      '(--embeddings FILE | --texts FILES) --branching K[,K...] --out FILE',
    ),
  );
  command
    .optionsGroup('Tree:')
    .requiredOption('--branching <sizes>', 'clusters, or children at each level from the root: 64,64 has 4096 leaves')
    .option('--seed <n>', 'of everything that is drawn (default: 0)')
    .option('--iterations <n>', 'steps of expectation and maximisation a node (default: 20)')
    .option('--samples <n>', 'documents to fit the tree on, drawn at random (default: all)')
    .option('--batch <n>', 'documents of each step, fresh ones (default: all that reach the node)')
    .option('--balance <x>', 'split clusters beyond this times the even share in a step, or none (default: 1.5)')
    .option('--spherical', 'bring centroids to length 1')
    .option('--no-normalise', 'leave embeddings as long as they are');
  command
    .optionsGroup('Embedding of texts:')
    .option('--dimensions <d>', 'numbers of an embedding (default: 128)')
    .option('--words <range>', 'n-grams of words: shortest,longest, or none (default: 1,2)')
    .option('--characters <range>', 'n-grams of characters: shortest,longest, or none (default: none)')
    .option('--features <n>', 'buckets that n-grams are hashed to (default: 65536)')
    .option('--save-embeddings <file>', 'keep them, as .npy; they then need no memory');
  command
    .optionsGroup('Output:')
    .requiredOption('--out <file>', 'the tree and the embedding, .safetensors')
    .option('--dry-run', 'print the plan (passes, bytes, flops, memory) and stop')
    .option('--format <name>', 'of the plan: table, json (default: table on a terminal, else json)');
  return withRunning(command).action(async (flags: ClusterFitFlags) => {
    const { runClusterFit } = await import('./run-cluster-fit.js');
    settle(await runClusterFit(flags));
  });
}

function assignCommand(settle: (status: number) => void): Command {
  const command = withDocuments(
    subcommand(
      'assign',
      'Find the cluster of each document of a corpus.',
      '--tree FILE (--embeddings FILE | --texts FILES) [--out FILE]',
    ),
  );
  command.requiredOption('--tree <file>', 'from gradsift cluster fit');
  command
    .optionsGroup('Output:')
    .option('--levels <n>', 'levels to descend (default: all of the tree)')
    .option('--out <file>', 'write here instead of to standard output: .json, .csv or .npy')
    .option('--format <name>', 'json, csv, npy (default: by the ending of --out, else json)');
  return withRunning(command).action(async (flags: ClusterAssignFlags) => {
    const { runClusterAssign } = await import('./run-cluster-assign.js');
    settle(await runClusterAssign(flags));
  });
}

function weightsCommand(settle: (status: number) => void): Command {
  const command = subcommand(
    'weights',
    'Weigh the clusters of a corpus so that it looks like a small target set (CRISP).',
    '--generic FILE --target FILE [options]',
  );
  command
    .optionsGroup('Input:')
    .requiredOption('--generic <file>', 'clusters of the corpus, from gradsift cluster assign')
    .requiredOption('--target <file>', 'clusters of the target set; may be given several times', collect)
    .option('--task-weights <shares>', 'shares of several targets, with commas (default: the same for each)')
    .option('--levels <n>', 'count clusters at this level of the tree (default: as in the files)')
    .option('--branching <sizes>', 'of the tree, where the files do not say (.csv, .npy)');
  command
    .optionsGroup('Method:')
    .option('--smoothing <how>', 'additive:x adds x documents to each cluster, generic:x mixes in the corpus, or none')
    .option('--uncovered <what>', 'targets in clusters without corpus: error, drop, parent (default: error)')
    .option('--budget <n>', 'documents that will be drawn: plans epochs')
    .option('--max-epochs <x>', 'most passes over a cluster; needs --budget');
  command
    .optionsGroup('Output:')
    .option('--out <file>', 'write the mixture record here instead of to standard output, for gradsift mix')
    .option(
      '--unit <name>',
      'what a document is to a trainer: document, or sequence if all are as long (default: document)',
    )
    .option('--report <file>', 'write an HTML page with figures')
    .option('--texts <files>', 'the documents of --generic, for examples in the report')
    .option('--target-texts <files>', 'the documents of the first --target, likewise')
    .option('--field <name>', 'where a line of JSON has its text (default: text)')
    .option('--quiet', 'no notes');
  return command.action(async (flags: ClusterWeightsFlags) => {
    const { runClusterWeights } = await import('./run-cluster-weights.js');
    settle(await runClusterWeights(flags));
  });
}

/** `gradsift cluster` and its commands. The work itself is loaded when it is called for. */
export function clusterCommand(settle: (status: number) => void): Command {
  return new Command('cluster')
    .description('Cluster a corpus, and weigh its clusters towards a target set.')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .addCommand(fitCommand(settle))
    .addCommand(assignCommand(settle))
    .addCommand(weightsCommand(settle));
}
