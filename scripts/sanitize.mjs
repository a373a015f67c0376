// npm run test:sanitize: the native tests on an addon that checks its own addresses and arithmetic (ASan and UBSan).
// The addon lies in build-sanitize/ and is loaded through GRADSIFT_BINDING; a report ends the run with status 1.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { buildVariant } from './variant.mjs';

const root = resolve(import.meta.dirname, '..');
const tests = ['test/native', 'test/kernels', 'test/linalg', 'test/conformance'];
const flags = '-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g1 -O1';

function fail(message) {
  console.error(`sanitize: ${message}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

/** The runtime must be loaded before anything else in the process, and node itself was not linked with it. */
function runtime(name) {
  const compiler = process.env.CXX ?? 'g++';
  try {
    const path = execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
    return isAbsolute(path) && existsSync(path) ? path : fail(`${compiler} has no ${name}: install its sanitizers`);
  } catch (error) {
    return fail(`cannot run ${compiler}: ${error.message}`);
  }
}

const preload = ['libasan.so', 'libubsan.so'].map(runtime).join(' ');
const addon = buildVariant('sanitize', { CXXFLAGS: flags, LDFLAGS: flags }) ?? fail('the build failed');
const reports = mkdtempSync(join(tmpdir(), 'gradsift-sanitize-'));
const log = `log_path=${join(reports, 'report')}`;
const env = {
  ...process.env,
  GRADSIFT_BINDING: addon,
  LD_PRELOAD: preload,
  // V8 catches its own faults (WebAssembly bounds) and keeps memory for the life of the process.
  ASAN_OPTIONS: `detect_leaks=0:allow_user_segv_handler=1:use_sigaltstack=0:detect_odr_violation=0:${log}`,
  UBSAN_OPTIONS: `print_stacktrace=1:${log}`,
};
const present = tests.filter((name) => existsSync(join(root, name)));
const args = [join(root, 'scripts/test.mjs'), '--quick', ...present];
const run = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
let printed = '';
for (const [stream, copy] of [
  [run.stdout, process.stdout],
  [run.stderr, process.stderr],
]) {
  stream.setEncoding('utf8').on('data', (text) => {
    copy.write(text);
    printed += text;
  });
}
const [status] = await once(run, 'close');
const found = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));
rmSync(reports, { recursive: true, force: true });
for (const report of found) console.error(report);
if (found.length > 0) fail(`${found.length} reports, see above`);
// A report can miss the log: jest restarts a worker that died, and its tests may pass the second time.
const missed = /^.*(?:runtime error:|AddressSanitizer).*$/m.exec(printed);
if (missed !== null) fail(`a report among the output: ${missed[0].trim()}`);
process.exit(status ?? 1);
