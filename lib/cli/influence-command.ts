import { Command } from 'commander';
import { METHODS, SOLVERS } from '../influence/options.js';
import { PRESETS } from '../influence/presets.js';
import type { InfluenceFlags } from './influence-flags.js';

const EXAMPLES = `
Stores: .safetensors files with one tensor [samples, r, d] a layer (or a sharded index.json), or .npy files. For LoRA,
r is the rank; lora_B is stored transposed (examples/export_gradients.py writes such stores from PyTorch).

Scores: the derivative of the validation loss when a sample is weighted up. Positive is harmful, negative is helpful.

Examples:
  the ten worst and the ten best samples, on the terminal
    $ gradsift influence --train train.safetensors --val val.safetensors
  two methods side by side, with a page to look at
    $ gradsift influence --train train.safetensors --val val.safetensors --method hyperinf,datainf \\
        --report report.html --out scores.json
  the authors' settings for finding mislabelled data
    $ gradsift influence --train train.safetensors --val val.safetensors --preset mislabel
  what it would cost, before doing it
    $ gradsift influence --train train.safetensors --val val.safetensors --method exact --memory 8GiB --dry-run
  the ids of the twenty most harmful samples
    $ gradsift influence --train train.safetensors --val val.safetensors --ids ids.txt --top 20 --format csv

Exit status: 0 fine, 2 bad input or usage, 3 a numerical outcome worth a look (it says which), 130 interrupted.`;

/** `gradsift influence` and its options. The work itself is loaded when it is called for. */
export function influenceCommand(settle: (status: number) => void): Command {
  const command = new Command('influence')
    .description('Score every training sample by its influence on the validation loss.')
    .usage('--train FILE --val FILE [options]')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments(false);
  command
    .optionsGroup('Input:')
    .requiredOption('--train <file>', 'gradients of the training samples to score')
    .requiredOption('--val <file>', 'gradients of the validation loss, same layers')
    .option('--fit-on <file>', 'form the curvature from these samples instead of --train')
    .option('--layers <glob>', 'only these layers; may be given several times', collect)
    .option('--exclude <glob>', 'without these layers; may be given several times', collect)
    .option('--ids <file>', 'names of the training samples: a JSON array, or one a line')
    .option(
      '--on-non-finite <what>',
      'NaN or infinity in the gradients: error, or skip these samples (default: error)',
    );
  command
    .optionsGroup('Method:')
    .option('--method <names>', `one or more, with commas: ${METHODS.join(', ')} (default: hyperinf)`)
    .option('--preset <name>', `settings of the authors' code, exactly: ${Object.keys(PRESETS).join(', ')}`)
    .option('--solver <name>', `how hyperinf applies its inverse: ${SOLVERS.join(', ')} (default: auto)`)
    .option('--damping <x>', 'absolute damping, added to the diagonal')
    .option('--damping-ratio <x>', 'damping as a multiple of the mean squared gradient entry (default: 0.1)')
    .option('--side <name>', 'side of the gradient matrices that is kept: columns, rows (default: columns)')
    .option('--gram-precision <name>', 'sum the curvature in f64, or in f32 tiles: faster (default: f64)')
    .option('--queries <which>', 'score against the mean of the validation samples, or each (default: mean)')
    .option('--convention <name>', 'loss-derivative: positive is harmful; proponent: the opposite sign')
    .option('--save-curvature <file>', 'keep the curvature matrices for another run')
    .option('--load-curvature <file>', 'use the matrices of an earlier run');
  command
    .optionsGroup('Output:')
    .option('--top <k>', 'list the k most harmful and the k most helpful samples; csv and ndjson then hold only these')
    .option(
      '--format <name>',
      'json, ndjson, csv, table (default: by the ending of --out, table on a terminal, else json)',
    )
    .option('--out <file>', 'write here instead of to standard output, as a whole or not at all')
    .option('--report <file>', 'write an HTML page with figures')
    .option('--dry-run', 'print the plan (passes, bytes, flops, memory) and stop')
    .option('--quiet', 'no progress bar, no notes');
  return command
    .optionsGroup('Running:')
    .option('--memory <size>', 'budget: 2GiB, 512MiB, 1e9 (default: 2GiB)')
    .option('--threads <n>', 'at most this many (default: all of this process)')
    .option('--work <folder>', 'keep finished layers here; the same command continues after an interruption')
    .action(async (flags: InfluenceFlags) => {
      const { runInfluence } = await import('./run-influence.js');
      settle(await runInfluence(flags));
    });
}

function collect(glob: string, before: readonly string[] = []): string[] {
  return [...before, glob];
}
