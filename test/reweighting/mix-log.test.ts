import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMixLog, parseMixLog, readMixLog, type MixLogStep } from '../../lib/reweighting/mix-log.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradsift-mix-log-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

const header = { rule: 'dga', domains: ['a', 'b'], target: 't' };
const step = (n: number): MixLogStep => ({
  step: n,
  loss: 1 / n,
  lossByDomain: { a: 2 / n },
  weights: { a: 0.1 + 0.01 * n, b: 0.9 - 0.01 * n },
  ...(n % 2 === 0 ? { evidence: { alignment: { a: n, b: -n } } } : {}),
});

async function written(path: string, steps: readonly number[], stepsDone = 0): Promise<string> {
  const log = await openMixLog(path, header, stepsDone);
  for (const n of steps) log.write(step(n));
  log.close();
  return readFileSync(path, 'utf8');
}

test('what is written is read back, NaN as nothing', async () => {
  await written(at('a.jsonl'), [1, 2, 5]);
  const log = await readMixLog(at('a.jsonl'));
  expect(log.header).toEqual(header);
  expect(log.steps).toMatchObject([1, 2, 5].map(step));
  expect(log.steps.map(({ line }) => line)).toEqual([2, 3, 4]);
  const writer = await openMixLog(at('nan.jsonl'), header);
  writer.write({ step: 0, loss: NaN, lossByDomain: { a: NaN, b: 1 } });
  writer.close();
  expect((await readMixLog(at('nan.jsonl'))).steps[0]).toMatchObject({ loss: undefined, lossByDomain: { b: 1 } });
});

test('a run that goes on from a checkpoint leaves the bytes of one that never stopped', async () => {
  const whole = await written(at('whole.jsonl'), [1, 2, 3, 4, 5]);
  await written(at('part.jsonl'), [1, 2, 3, 4]);
  writeFileSync(at('part.jsonl'), `${readFileSync(at('part.jsonl'), 'utf8')}{"step":5,"lo`); // killed while writing
  expect((await readMixLog(at('part.jsonl'))).steps.length).toBe(4);
  expect(await written(at('part.jsonl'), [3, 4, 5], 2)).toBe(whole);
});

test('bare evidence needs no header, and counts its lines where it names no steps', () => {
  const { header: none, steps } = parseMixLog('{"loss":{"a":1.5}}\n\n{"loss":{"b":2},"step":7}\r\n');
  expect(none).toBeNull();
  expect(steps).toEqual([
    { step: 1, line: 1, evidence: { loss: { a: 1.5 } }, lossByDomain: { a: 1.5 } },
    { step: 7, line: 3, evidence: { loss: { b: 2 } }, lossByDomain: { b: 2 } },
  ]);
});

const first = '{"schema":"gradsift/mix-log/1","rule":"dga","domains":["a","b"]}\n';
test.each<[string, string, string, RegExp]>([
  ['nothing', '', 'GRADSIFT_FORMAT', /at least one step/],
  ['no JSON', '{"step":1}\n{"step":2,}\n{"step":3}\n', 'GRADSIFT_FORMAT', /^log, line 2: not JSON/],
  ['no object', '[1]\n{"step":1}\n', 'GRADSIFT_FORMAT', /^log, line 1: line: expected a JSON object/],
  ["Python's NaN", '{"step":1,"alignment":{"a":NaN}}\n', 'GRADSIFT_NON_FINITE', /^log, line 1: holds NaN or infinity/],
  ['a name twice', '{"step":1,"loss":{"a":1,"a":2}}\n', 'GRADSIFT_FORMAT', /line 1: .*"a" is given twice/],
  ['steps that go back', '{"step":4}\n{"step":4}\n', 'GRADSIFT_ARGUMENT', /line 2: step: expected an integer >= 5/],
  ['another schema', '{"schema":"x"}\n', 'GRADSIFT_FORMAT', /line 1: schema: expected "gradsift\/mix-log\/1"/],
  ['a domain twice', first.replace('"b"', '"a"'), 'GRADSIFT_ARGUMENT', /line 1: domains: expected each name once/],
  ['a loss in words', `${first}{"lossByDomain":{"c":"x"}}\n`, 'GRADSIFT_ARGUMENT', /line 2: lossByDomain.c: .*got "x"/],
  ['a strange domain', `${first}{"weights":{"c":1}}\n`, 'GRADSIFT_ARGUMENT', /line 2: weights: .*got "c"/],
  ['wrong weights', `${first}{"weights":{"a":1,"b":1}}\n`, 'GRADSIFT_ARGUMENT', /line 2: weights: .* sum to 1/],
  ['wrong evidence', `${first}{"evidence":3}\n`, 'GRADSIFT_FORMAT', /line 2: evidence: expected an object/],
])('%s: the line is named', (_, text, code, message) => {
  expect(() => parseMixLog(text)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
  );
});

test('a run that had no log begins one where it goes on', async () => {
  const late = await openMixLog(at('late.jsonl'), header, 20);
  expect(() => late.write(step(20))).toThrow(expect.objectContaining({ code: 'GRADSIFT_ARGUMENT' }));
  late.write(step(21));
  late.close();
  const log = await openMixLog(at('late.jsonl'), header, 20); // stopped before it was saved again
  log.write(step(21));
  log.close();
  expect((await readMixLog(at('late.jsonl'))).steps.map((each) => each.step)).toEqual([21]);
});

test('a writer keeps to its log and to the order of steps', async () => {
  await written(at('own.jsonl'), [1, 2]);
  await expect(openMixLog(at('own.jsonl'), { ...header, domains: ['a'] }, 1)).rejects.toMatchObject({
    code: 'GRADSIFT_ARGUMENT',
  });
  const log = await openMixLog(at('own.jsonl'), header);
  log.write(step(3));
  expect(() => log.write(step(3))).toThrow(expect.objectContaining({ code: 'GRADSIFT_ARGUMENT' }));
  log.close();
});
