// Runs the benchmarks and prints one table. `--json FILE` keeps it, benchmark by benchmark, beside the other rows that
// the file holds of the same commit, so that a long table can be made in pieces; `--peers` adds other people's programs
// where they are installed; names choose benchmarks; `--threads 1 --types f32 --sizes 512,1024` measure a part of those
// that know types and sizes. A benchmark is a file bench/<operation>.mjs with a default export
//   { op, async run({ threads, peers, chosen }) -> [{ case, threads, unit, value, peak?, peers: { name: value } }] }
// A peer is a value in the same unit, or { value, ratio: [low, median, high] }: the median of our paired advantages and
// its 95 % interval; peak: the flops that the machine showed in this run, for shares of it. chosen: { types, sizes }.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backend } from 'gradsift';

const folder = new URL('.', import.meta.url);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    peers: { type: 'boolean', default: false },
    threads: { type: 'string' },
    types: { type: 'string' },
    sizes: { type: 'string' },
  },
});
const chosen = { types: values.types?.split(','), sizes: values.sizes?.split(',').map(Number) };

const helpers = ['run.mjs', 'timer.mjs', 'stores.mjs', 'fisher.mjs', 'beside-stock.mjs'];
const all = readdirSync(folder).flatMap((name) =>
  name.endsWith('.mjs') && !helpers.includes(name) ? [name.slice(0, -4)] : [],
);
const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`bench: no ${unknown.join(', ')}; there are ${all.join(', ')}`);
  process.exit(2);
}

function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: fileURLToPath(folder) })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

const digits = (value) => (value === 0 ? '0' : value.toPrecision(Math.abs(value) >= 1000 ? 4 : 3));

function line(op, row) {
  const share = row.peak === undefined ? '' : `${((100 * row.value) / row.peak).toFixed(0)} % of peak`;
  const faster = (peer) => (row.unit === 's' ? peer / row.value : row.value / peer);
  const best = (peer) => (typeof peer === 'number' ? faster(peer) : peer.ratio[1]);
  const fastestFirst = Object.entries(row.peers ?? {}).sort(([, a], [, b]) => best(a) - best(b));
  const peers = fastestFirst.map(([name, peer]) => {
    if (typeof peer === 'number') return `${faster(peer).toFixed(2)} x ${name}`;
    const [low, middle, high] = peer.ratio.map((ratio) => ratio.toFixed(2));
    return `${middle} x ${name} (${low} to ${high})`;
  });
  const cells = [op.padEnd(18), row.case.padEnd(44), String(row.threads).padStart(2)];
  return [...cells, digits(row.value).padStart(9), row.unit.padEnd(8), share.padEnd(13), peers.join(', ')].join(' ');
}

const { isa, threads: available } = backend();
const machine = { cpu: cpus()[0]?.model.trim() ?? 'unknown', threads: available, isa, node: process.version };
console.log(`${machine.cpu}, ${available} threads, ${isa}, Node ${process.version}, ${platform()} ${arch()}`);
console.log('Medians; a multiply-add counts as two operations; "2 x peer" means twice as fast as the peer, beside it');
console.log('the 95 % interval of the median where rounds are paired; the best peer comes first.\n');

/** What the file keeps of the same machine and commit. */
function kept(file, report) {
  if (!existsSync(file)) return [];
  const { machine, commit, results } = JSON.parse(readFileSync(file, 'utf8'));
  return commit === report.commit && JSON.stringify(machine) === JSON.stringify(report.machine) ? results : [];
}

function keep(file, results) {
  const report = { schema: 'gradsift/bench/1', machine, date: new Date().toISOString(), commit: commit() };
  const same = (a, b) => a.op === b.op && a.case === b.case && a.threads === b.threads;
  const others = kept(file, report).filter((row) => !results.some((newer) => same(row, newer)));
  writeFileSync(file, `${JSON.stringify({ ...report, results: [...others, ...results] }, null, 2)}\n`);
}

const threads = values.threads?.split(',').map(Number) ?? (available > 1 ? [1, available] : [1]);
for (const name of positionals.length > 0 ? positionals : all) {
  const { default: bench } = await import(new URL(`${name}.mjs`, folder));
  const rows = await bench.run({ threads, peers: values.peers, chosen });
  for (const row of rows) console.log(line(bench.op, row));
  if (values.json !== undefined) {
    keep(
      values.json,
      rows.map((row) => ({ op: bench.op, peers: {}, ...row })),
    );
  }
}
