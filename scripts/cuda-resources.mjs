// What ptxas says about each kernel: registers, shared memory, spilled bytes.
import { spawnSync } from 'node:child_process';

const ENTRY = /Compiling entry function '(\w+)' for '(\w+)'/;
const SPILLS = /(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads/;
const USED = /Used (\d+) registers(?:.*?(\d+) bytes smem)?/;

/** {"kernel sm_90a": {registers, sharedBytes, stackBytes, spillBytes}} from the output of nvcc --resource-usage. */
export function readResources(output) {
  const resources = {};
  let entry;
  for (const line of output.split('\n')) {
    const start = ENTRY.exec(line);
    if (start) {
      entry = { registers: 0, sharedBytes: 0, stackBytes: 0, spillBytes: 0 };
      resources[`${start[1]} ${start[2]}`] = entry;
    }
    if (entry === undefined) continue;
    const spills = SPILLS.exec(line);
    if (spills) {
      entry.stackBytes = Number(spills[1]);
      entry.spillBytes = Number(spills[2]) + Number(spills[3]);
    }
    const used = USED.exec(line);
    if (used) {
      entry.registers = Number(used[1]);
      entry.sharedBytes = Number(used[2] ?? 0);
      entry = undefined;
    }
  }
  return resources;
}

/** Readable names of mangled ones, where there is a c++filt. */
function demangle(names) {
  const { status, stdout } = spawnSync('c++filt', [], { input: names.join('\n'), encoding: 'utf8' });
  if (status !== 0) return names;
  return stdout
    .trimEnd()
    .split('\n')
    .map((name) => name.replaceAll('(anonymous namespace)::', '').replaceAll('gradsift::cuda::', ''))
    .map((name) => name.replace(/^void /, '').replace(/\(.*/, ''));
}

/** One line a kernel, with the largest of its architectures. Static shared memory only: launches ask for the rest. */
export function kernelTable(resources) {
  const kernels = new Map();
  for (const [key, use] of Object.entries(resources)) {
    const [name] = key.split(' ');
    const most = kernels.get(name) ?? { registers: 0, sharedBytes: 0, stackBytes: 0, spillBytes: 0 };
    kernels.set(name, Object.fromEntries(Object.keys(most).map((field) => [field, Math.max(most[field], use[field])])));
  }
  const names = demangle([...kernels.keys()]);
  const rows = [...kernels.values()].map((use, i) =>
    [
      String(use.registers).padStart(9),
      String(use.stackBytes).padStart(5),
      String(use.spillBytes).padStart(6),
      `  ${names[i]}`,
    ].join(' '),
  );
  return ['registers stack spills  kernel', ...rows.sort((a, b) => a.slice(24).localeCompare(b.slice(24)))].join('\n');
}
