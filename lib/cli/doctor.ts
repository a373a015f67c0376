import { cpus } from 'node:os';
import type { CudaStatus } from '../native/binding.js';
import { VERSION } from '../version.js';
import { EXIT } from './exit.js';
import { textTable } from './text-table.js';

function cudaRows({ library, builtFor, devices, reason }: CudaStatus): string[][] {
  const rows = library === null ? [] : [['cuda library', `${library} (${builtFor})`]];
  if (reason !== '') rows.push(['cuda', `none: ${reason}`]);
  devices.forEach((device, index) => {
    const memory = `${(device.memoryBytes / 2 ** 30).toFixed(1)} GiB`;
    const usable = device.reason === '' ? '' : `, not usable: ${device.reason}`;
    rows.push([`cuda:${index}`, `${device.name}, compute capability ${device.capability}, ${memory}${usable}`]);
  });
  return rows;
}

/** `gradsift doctor`: what is installed, what runs, and why. Status 2 when no native addon can be loaded. */
export async function doctor(write: (text: string) => void): Promise<number> {
  const rows: string[][] = [
    ['gradsift', VERSION],
    [
      'node',
      `${process.version}, ${process.platform}-${process.arch}, Node-API ${process.versions['napi'] ?? 'unknown'}`,
    ],
    ['processor', cpus()[0]?.model.trim() ?? 'unknown'],
  ];
  let problem = '';
  try {
    const { backend } = await import('../native/backend.js');
    const { instructionSets, threads, path, cuda } = backend();
    rows.push(['threads', String(threads)], ['addon', path]);
    rows.push(...instructionSets.map(({ name, status }) => [name, status]));
    rows.push(...cudaRows(cuda));
  } catch (error) {
    problem = `\n${(error as Error).message}\n`;
  }
  const [, ...lines] = textTable([{ title: '' }, { title: '' }], rows);
  write(`${lines.join('\n')}\n${problem}`);
  return problem === '' ? EXIT.ok : EXIT.usage;
}
