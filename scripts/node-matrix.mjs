// Runs the tests on several versions of Node, each from the npm package of its binary, with the one addon built here
// (Node-API 9 is the same for all). `node scripts/node-matrix.mjs [20 22 24 26] [-- arguments of npm test]`
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const split = process.argv.indexOf('--');
const majors = process.argv.slice(2, split < 0 ? undefined : split);
const testArguments = split < 0 ? [] : process.argv.slice(split + 1);

/** The folder with this version's `node`, fetched when it is not there. */
function fetchNode(major) {
  const folder = join(root, 'build-node', major);
  const bin = join(folder, `node_modules/node-${process.platform}-${process.arch}/bin`);
  if (!existsSync(join(bin, 'node'))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save'];
    spawnSync('npm', [...args, `node-${process.platform}-${process.arch}@${major}`], { cwd: folder, stdio: 'inherit' });
  }
  return existsSync(join(bin, 'node')) ? bin : undefined;
}

function testOn(major) {
  const bin = fetchNode(major);
  if (!bin) return `Node ${major}: could not be fetched`;
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const args = [join(root, 'scripts/test.mjs'), ...testArguments];
  const { status, stdout } = spawnSync(join(bin, 'node'), args, {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  const total = stdout.trimEnd().split('\n').at(-1);
  const version = spawnSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(`${version}: ${total}`);
  return status === 0 ? undefined : `${version}: ${total}`;
}

const failures = (majors.length > 0 ? majors : ['20', '22', '24', '26']).map(testOn).filter(Boolean);
for (const failure of failures) console.error(failure);
process.exit(failures.length === 0 ? 0 : 1);
