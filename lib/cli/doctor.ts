import { cpus } from 'node:os';
import { VERSION } from '../version.js';
import { EXIT } from './exit.js';
import { textTable } from './text-table.js';

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
    const { instructionSets, threads, path } = backend();
    rows.push(['threads', String(threads)], ['addon', path]);
    rows.push(...instructionSets.map(({ name, status }) => [name, status]));
  } catch (error) {
    problem = `\n${(error as Error).message}\n`;
  }
  const [, ...lines] = textTable([{ title: '' }, { title: '' }], rows);
  write(`${lines.join('\n')}\n${problem}`);
  return problem === '' ? EXIT.ok : EXIT.usage;
}
