import { Command } from 'commander';
import type { LearnFlags } from './mix-learn-flags.js';
import { RULE_NAMES, RULE_OPTIONS } from './mix-rule-options.js';

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
    .option('--resume <file>', 'go on from a state of --save-state, with its rule and options');
  command
    .optionsGroup('What is known of the domains:')
    .option('--tokens <json>', 'tokens by domain, an object or a file of one; sizes of proportional and temperature')
    .option('--sources <json>', 'path, tokens, documents and cap (of epochs) by domain; likewise')
    .option('--tokenizer <name>', 'whose tokens weights are shares of; kept in the record');
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

/** `gradsift mix` and its options. The work itself is loaded when it is called for. */
export function mixCommand(settle: (status: number) => void): Command {
  return new Command('mix')
    .description('Domain weights: learn them, export them to a trainer, draw samples by them.')
    .helpOption('-h, --help', 'print this help')
    .addCommand(learnCommand(settle));
}

function collect(glob: string, before: readonly string[] = []): string[] {
  return [...before, glob];
}
