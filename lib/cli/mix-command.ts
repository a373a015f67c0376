import { Command } from 'commander';
import { FORMAT_OPTIONS, TRAINERS } from './mix-formats.js';
import type { LearnFlags } from './mix-learn-flags.js';
import { RULE_NAMES, RULE_OPTIONS } from './mix-rule-options.js';
import type { ExportFlags } from './run-mix-export.js';
import type { SampleFlags } from './run-mix-sample.js';

const LEARN_EXAMPLES = `
Evidence is what a rule is updated with. It comes from a log, JSON lines with one update each,
  {"step":100,"alignment":{"md":0.31,"js":-0.12},"norms":{"md":1.1,"js":0.9},"targetNorm":0.8}     dga, doge --target
  {"step":1,"learningRate":1e-3,"gram":{"md":{"md":1.2,"js":0.3},"js":{"md":0.3,"js":0.8}}}        doge
  {"step":1,"excessLoss":{"md":0.4,"js":0}}                                                        doremi
  {"step":1,"loss":{"md":3.1}}                                                                     odm
  {"mixture":{"md":0.7,"js":0.3},"loss":2.9}                                                       regmix
or a log of gradsift/mix-log/1, which training loops here write, or from gradient stores, one a step, a row a domain.
Without --rule the weights are those that the log itself has.

Examples:
  domain weights from gradients that any trainer wrote: rows in the order of the names
    $ gradsift mix learn --rule dga --gradients step-*.safetensors --domains md,js,ts --target wiki \\
        --target-gradients target-*.safetensors --out mixture.json --report report.html
  the published code of DoGE, from its log, and where to go on from
    $ gradsift mix learn --rule doge --variant official --log doge.jsonl --save-state state.json --out mixture.json
    $ gradsift mix learn --resume state.json --log more.jsonl --out mixture.json
  plain baselines
    $ gradsift mix learn --rule temperature --temperature 3 --tokens '{"md":4.5e6,"js":2e7}'
  the course of a training run
    $ gradsift mix learn --log run.jsonl --report report.html --out mixture.json

Exit status: 0 fine, 2 bad input or usage (nothing is written), 3 weights worth a look (it says why), 130 interrupted.`;

function learnCommand(settle: (status: number) => void): Command {
  const command = new Command('learn')
    .description('Learn domain weights: from gradients, from losses, or from sizes.')
    .usage('--rule NAME (--log FILE | --gradients FILES --domains NAMES | --tokens JSON) [options]')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', LEARN_EXAMPLES)
    .allowExcessArguments(false);
  command
    .optionsGroup('Evidence:')
    .option('--rule <name>', `one of ${RULE_NAMES.join(', ')}`)
    .option('--log <file>', 'evidence as JSON lines, or a log of gradsift/mix-log/1')
    .option('--gradients <files...>', 'one store a step; names that differ in numbers come in their order')
    .option('--domains <names>', 'the domain of each row of a store, or the domains; with commas, or a .json or .txt')
    .option('--row-tokens <numbers>', 'tokens of each row, to average the rows of a domain by; likewise')
    .option('--target-gradients <files...>', 'gradients of the target: one store, or one a step')
    .option('--batch-row <name>', 'grape: the row with the gradient of the training step; tasks: of log loss')
    .option('--layers <glob>', 'only these layers of the stores; may be given several times', collect)
    .option('--exclude <glob>', 'without these layers; may be given several times', collect)
    .option('--learning-rate <x>', 'of updates that have none of their own; one, or one a store with commas')
    .option('--initial <json>', 'first weights by domain, or a mixture record; default: all the same')
    .option('--propose <n>', 'regmix: print the first n mixtures to train, as JSON lines, and stop')
    .option('--resume <file>', 'go on from a state of --save-state, with its rule and options');
  sourceOptions(command).option('--tokenizer <name>', 'whose tokens weights are shares of; kept in the record');
  command.optionsGroup('Rules:');
  for (const { flags, rules, help } of RULE_OPTIONS) {
    command.option(flags, rules.length > 4 ? help : `${rules.join(', ')}: ${help}`);
  }
  command
    .optionsGroup('Output:')
    .option('--format <name>', 'json (the record), csv, table (default: by the ending of --out, table on a terminal)')
    .option('--out <file>', 'write here instead of to standard output, as a whole or not at all')
    .option('--report <file>', 'write an HTML page: weights over time, alignments, losses')
    .option('--save-state <file>', 'where the rule stopped, for --resume')
    .option('--save-log <file>', 'the evidence with the weights, for another rule without the gradients')
    .option('--dry-run', 'print the plan (stores, bytes, flops, memory) and stop')
    .option('--quiet', 'no progress bar, no notes');
  return command
    .optionsGroup('Running:')
    .option('--memory <size>', 'budget: 2GiB, 512MiB, 1e9 (default: 2GiB)')
    .option('--threads <n>', 'at most this many (default: all of this process)')
    .action(async (flags: LearnFlags) => {
      const { runMixLearn } = await import('./run-mix-learn.js');
      settle(await runMixLearn(flags));
    });
}

/** What commands learn about the domains beside their weights. */
function sourceOptions(command: Command): Command {
  return command
    .optionsGroup('The domains:')
    .option('--sources <json>', 'path, tokens, documents and cap (of epochs) by domain: an object, or a file of one')
    .option('--paths <json>', 'where each is: a prefix, folder or address; likewise')
    .option('--tokens <json>', 'tokens of each; likewise. Also the sizes of proportional and temperature')
    .option('--documents <json>', 'documents of each; likewise');
}

const EXPORT_EXAMPLES = `
Examples:
  what each trainer is given, and what that needs
    $ gradsift mix export --to list
  flags for Megatron-LM
    $ gradsift mix export --mixture mixture.json --to megatron --paths '{"md":"data/md","js":"data/js"}'
  at most four passes over any domain in a run of 10 G tokens; what a cap cuts off goes to the others
    $ gradsift mix export --mixture mixture.json --to olmo-core --tokens tokens.json --paths paths.json \\
        --budget 1e10 --max-epochs 4 --out sources.yaml
  exact counts that sum to 100 000
    $ gradsift mix export --mixture mixture.json --to streaming --samples 100000 --paths paths.json

Weights are written so that they read back as the same bits. Domains of weight 0 are left out.`;

function exportCommand(settle: (status: number) => void): Command {
  const command = new Command('export')
    .description('Write a mixture in the form that a trainer reads.')
    .usage('--mixture FILE --to TRAINER [options]')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXPORT_EXAMPLES)
    .allowExcessArguments(false);
  command
    .optionsGroup('Mixture:')
    .requiredOption('--to <trainer>', `one of ${Object.keys(TRAINERS).join(', ')}; or list`)
    .option('--mixture <file>', 'a record of gradsift mix learn')
    .option('--unit <name>', 'what a sample is to a trainer that has its own: sequence, document (default: sequence)')
    .option('--samples <n>', 'counts of each domain in n samples, exact: shown, and what streaming is given')
    .option('--budget <tokens>', 'tokens of the run: plans epochs, and holds domains to their caps')
    .option('--max-epochs <x|json>', 'most passes over a domain, of all or by name; else the caps of the record')
    .option('--stage <start=file>', 'levanter: another mixture from this sequence on; several times', collect);
  sourceOptions(command);
  command.optionsGroup('Trainers:');
  for (const { flags, formats, help } of FORMAT_OPTIONS) command.option(flags, `${formats.join(', ')}: ${help}`);
  return command
    .optionsGroup('Output:')
    .option('--out <file>', 'write here instead of to standard output, as a whole or not at all')
    .option('--save-mixture <file>', 'the record with what was added and planned')
    .option('--dry-run', 'show the weights, epochs and counts and stop')
    .option('--quiet', 'no notes')
    .action(async (flags: ExportFlags) => {
      const { runMixExport } = await import('./run-mix-export.js');
      settle(await runMixExport(flags));
    });
}

const SAMPLE_EXAMPLES = `
A sample is a domain and an index there. Without replacement each pass over a domain is one shuffle of it. Which index
comes t-th in a domain depends on the seed alone: weights may change from call to call, and nothing is lost or repeated.

Examples:
  the first thousand, and the next
    $ gradsift mix sample --mixture mixture.json --sizes '{"md":4000,"js":9000}' --seed 1 --count 1000 \\
        --state state.json --out first.jsonl
    $ gradsift mix sample --mixture mixture.json --count 1000 --state state.json --out next.jsonl
  which lines of the corpus to train on next, by the clusters of a target set
    $ gradsift mix sample --mixture mixture.json --clusters generic.json --count 1000 --format csv
  the order in which Megatron-LM blends
    $ gradsift mix sample --mixture mixture.json --blend megatron --count 20 --format csv`;

function sampleCommand(settle: (status: number) => void): Command {
  const command = new Command('sample')
    .description('Draw samples by the weights of a mixture.')
    .usage('--mixture FILE --count N --sizes JSON [options]')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', SAMPLE_EXAMPLES)
    .allowExcessArguments(false);
  command
    .optionsGroup('Draws:')
    .requiredOption('--mixture <file>', 'a record of gradsift mix learn, or of gradsift cluster weights')
    .requiredOption('--count <n>', 'samples to draw')
    .option('--sizes <json>', 'samples of each domain: an object, or a file of one (default: documents of the record)')
    .option(
      '--clusters <file>',
      'of gradsift cluster assign, for a record of gradsift cluster weights: tells documents',
    )
    .option('--seed <n>', 'default: 0')
    .option('--replacement', 'each draw by itself, so that a sample may come again at once')
    .option('--blend <name>', "random, or megatron: Megatron-LM's order (default: random)")
    .option('--unit <name>', 'what a sample is: token, sequence, document (default: as in the record)')
    .option('--state <file>', 'go on from here where it exists, and leave here where the next call goes on');
  return sourceOptions(command)
    .optionsGroup('Output:')
    .option('--format <name>', 'jsonl, csv, npy: int64 [n, 2 or 3], domain, index, document (default: by --out)')
    .option('--out <file>', 'write here instead of to standard output, as a whole or not at all')
    .option('--dry-run', 'show what is drawn of each domain and stop')
    .option('--quiet', 'no notes')
    .action(async (flags: SampleFlags) => {
      const { runMixSample } = await import('./run-mix-sample.js');
      settle(await runMixSample(flags));
    });
}

/** `gradsift mix` and its options. The work itself is loaded when it is called for. */
export function mixCommand(settle: (status: number) => void): Command {
  return new Command('mix')
    .description('Domain weights: learn them, export them to a trainer, draw samples by them.')
    .helpOption('-h, --help', 'print this help')
    .addCommand(learnCommand(settle))
    .addCommand(exportCommand(settle))
    .addCommand(sampleCommand(settle));
}

function collect(glob: string, before: readonly string[] = []): string[] {
  return [...before, glob];
}
