import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '../..');
export const data = join(root, 'test/data/digits-lora');
export const train = join(data, 'train.safetensors');
export const val = join(data, 'val.safetensors');
/** The command as it is installed; npm test builds it first. */
export const main = join(root, 'dist/esm/cli/main.js');

const environment = { ...process.env, NO_COLOR: '', FORCE_COLOR: undefined };

/** Runs the built command to its end. */
export function gradsift(args: readonly string[], cwd = root): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', cwd, env: environment, maxBuffer: 1 << 28 });
}

/** Starts the built command. */
export function startGradsift(args: readonly string[], cwd = root) {
  return spawn(process.execPath, [main, ...args], { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
}
