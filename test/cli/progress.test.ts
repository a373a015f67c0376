import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { progressBar } from '../../lib/cli/progress.js';

function terminal() {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 30 });
  let text = '';
  stream.on('data', (chunk) => (text += String(chunk)));
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

test('a short job draws nothing', () => {
  const { stream, text } = terminal();
  const bar = progressBar(stream);
  bar.update(0.5, 'fit layer 1');
  bar.stop();
  expect(text()).toBe('');
});

test('a long job shows the layer, the share done and the time left, and cleans up', async () => {
  const { stream, text } = terminal();
  const bar = progressBar(stream);
  await sleep(520);
  bar.update(0.25, 'fit layer 1');
  await sleep(150);
  bar.update(0.5, 'score layer 2');
  await sleep(150);
  expect(text()).toMatch(/25 % {2}.* left {2}fit layer 1/);
  expect(text()).toMatch(/50 % {2}.* left {2}score layer 2/);
  expect(text()).toContain('\u001b[?25l'); // cursor hidden
  bar.stop();
  expect(text().lastIndexOf('\u001b[?25h')).toBeGreaterThan(text().lastIndexOf('\u001b[?25l')); // and shown again
});
