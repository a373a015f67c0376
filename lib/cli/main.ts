#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { GradsiftError } from '../errors.js';
import { VERSION } from '../version.js';
import { clusterCommand } from './cluster-command.js';
import { describe, EXIT } from './exit.js';
import { influenceCommand } from './influence-command.js';
import { mixCommand } from './mix-command.js';

const EXAMPLES = `
Examples:
  $ gradsift influence --train train.safetensors --val val.safetensors
  $ gradsift mix learn --rule dga --log run.jsonl --out mixture.json --report report.html
  $ gradsift cluster fit --texts corpus.jsonl --branching 64,64 --out tree.safetensors
  $ gradsift influence --help
  $ gradsift doctor

Exit status: 0 fine, 2 bad input or usage, 3 a numerical outcome worth a look, 130 interrupted.`;

/** Builds the command line; `settle` receives the exit status of the command that ran. */
function program(settle: (status: number) => void): Command {
  const root = new Command('gradsift')
    .description(
      'Which training data helps, which hurts, and how to mix it: from gradients and losses that any trainer writes.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .addCommand(influenceCommand(settle))
    .addCommand(mixCommand(settle))
    .addCommand(clusterCommand(settle))
    .addCommand(
      new Command('doctor')
        .description('tell what is installed, which instruction set runs and why')
        .action(async () => {
          const { doctor } = await import('./doctor.js');
          settle(await doctor((text) => process.stdout.write(text)));
        }),
    )
    .showHelpAfterError(false);
  quieten(root);
  return root;
}

/** Commander's own messages take the form of ours: one line, from describe(). */
function quieten(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError();
  command.commands.forEach(quieten);
}

/** Runs one command line. @returns the exit status */
async function run(argv: readonly string[]): Promise<number> {
  let status: number = EXIT.ok;
  const root = program((settled) => {
    status = settled;
  });
  try {
    if (argv.length === 0) {
      process.stderr.write(root.helpInformation());
      return EXIT.usage;
    }
    await root.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok; // --help and --version
      if (error.code === 'commander.help') return EXIT.usage; // a command of commands without one: its help is shown
      const text = error.message.replace(/^error: /, '');
      process.stderr.write(`${describe(new GradsiftError('GRADSIFT_ARGUMENT', text))}\n`);
      return EXIT.usage;
    }
    process.stderr.write(`${describe(error)}\n`);
    return EXIT.usage;
  }
}

// A reader that has seen enough (`gradsift ... | head`) is no mistake.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  process.stderr.write(`${describe(new GradsiftError('GRADSIFT_IO', `standard output: ${error.message}`))}\n`);
  process.exit(EXIT.usage);
});

process.exitCode = await run(process.argv.slice(2));
