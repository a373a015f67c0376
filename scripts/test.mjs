// npm test: the rules of the house, the types, then jest. The last line is the total; anything failed is exit status 1.
//   npm test -- test/linalg        only these tests, without the rules and the types
//   npm run test:long              the long runs (*.long.test.ts)
//   npm run test:sanitize          scripts/sanitize.mjs hands its addon to this script
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { trackedFiles } from './files.mjs';

const root = resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const long = process.argv.includes('--long');
const quick = process.argv.includes('--quick');
const rest = process.argv.slice(2).filter((word) => !['--quick', '--long'].includes(word));
if (long) process.env.npm_lifecycle_event = 'test:long'; // what jest.config.mjs goes by
const everything = rest.every((word) => word.startsWith('-')) && !long && !quick;

function node(script, args, options = {}) {
  const run = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit', ...options });
  if (run.error) console.error(`test: ${script}: ${run.error.message}`);
  return run.status === 0;
}

/** Rebuilds what is older than its sources: tests of the command run what `npm ci` built. */
function bringUpToDate() {
  const files = trackedFiles(root);
  const newest = (pattern) =>
    Math.max(...files.filter((name) => pattern.test(name)).map((name) => statSync(join(root, name)).mtimeMs));
  const older = (built, pattern) =>
    !existsSync(join(root, built)) || statSync(join(root, built)).mtimeMs < newest(pattern);
  const stale = [];
  const addon = process.env.GRADSIFT_BINDING === undefined;
  if (addon && older('build/Release/gradsift.node', /^(native\/|binding\.gyp)/)) stale.push('native');
  if (older('dist/cjs/package.json', /^(lib\/|tsconfig)/)) stale.push('lib');
  return stale.every((part) => node(join(root, 'scripts/build.mjs'), [part]));
}

function jest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'gradsift-test-'));
  const output = join(folder, 'results.json');
  try {
    node(require.resolve('jest/bin/jest'), ['--json', `--outputFile=${output}`, ...args]);
    return existsSync(output) ? JSON.parse(readFileSync(output, 'utf8')) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function failures(results) {
  const suites = results.testResults.filter(({ status, assertionResults }) => {
    return status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
  });
  for (const { name } of suites) console.error(`failed to run: ${relative(root, name)}`);
  return results.numFailedTests + suites.length;
}

/** Tests that cannot run here say why in their title: 'AVX-512 (needs an AVX-512 processor)'. */
function tellSkipped(results) {
  for (const { name, assertionResults } of results.testResults) {
    for (const test of assertionResults.filter(({ status }) => status === 'pending' || status === 'todo')) {
      console.log(`skipped: ${relative(root, name)}: ${test.fullName}`);
    }
  }
}

const checks = [['build', bringUpToDate]];
if (everything) {
  checks.unshift(['tidy', () => node(join(root, 'scripts/tidy.mjs'), [])]);
  checks.push(['types', () => node(require.resolve('typescript/bin/tsc'), ['-p', 'tsconfig.test.json'])]);
}
const outcomes = checks.map(([name, check]) => {
  const passed = check();
  console.log(`${name}: ${passed ? 'ok' : 'FAILED'}`);
  return passed;
});
const results = jest(rest);
const count = (wanted) => outcomes.filter((passed) => passed === wanted).length;
const passed = count(true) + (results?.numPassedTests ?? 0);
const failed = count(false) + (results === undefined ? 1 : failures(results));
const skipped = results ? results.numPendingTests + results.numTodoTests : 0;
if (results) tellSkipped(results);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
