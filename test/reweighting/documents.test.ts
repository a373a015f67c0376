import { createHash } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crisp, clusterCounts } from '../../lib/reweighting/crisp.js';
import { documentSampler, documentsByCluster } from '../../lib/reweighting/document-sampler.js';
import { openDocuments, type Documents, type OpenDocumentsOptions } from '../../lib/reweighting/documents.js';
import { mixtureSampler } from '../../lib/reweighting/mixture-sampler.js';
import { rejection } from '../gradients/rejection.js';
import { temporaryFolder } from '../gradients/temporary-folder.js';

const FOLDER = temporaryFolder();
let files = 0;
const opened: Documents[] = [];
afterAll(() => Promise.all(opened.map((documents) => documents.close())));

async function file(content: string | Buffer, ending = 'txt'): Promise<string> {
  const path = join(FOLDER, `${files++}.${ending}`);
  await writeFile(path, content);
  return path;
}
async function open(paths: string | string[], options?: OpenDocumentsOptions): Promise<Documents> {
  const documents = await openDocuments(paths, options);
  opened.push(documents);
  return documents;
}
async function all(documents: Documents): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of documents) texts.push(text);
  return texts;
}

describe('documents, one a line', () => {
  test.each<[string, string, string[]]>([
    ['lines', 'one\ntwo\n', ['one', 'two']],
    ['no newline at the end', 'one\ntwo', ['one', 'two']],
    ['empty lines and lines of blanks are none', '\n one \n\n \t\r\ntwo\n\n', [' one ', 'two']],
    ['an empty file has none', '', []],
    ['a mark of UTF-8', '\uFEFFone\ntwo', ['one', 'two']],
    ['more than bytes', 'na\u00efve \u{1f600}\n\u4e2d\u6587', ['na\u00efve \u{1f600}', '\u4e2d\u6587']],
  ])('%s', async (_, content, expected) => {
    const documents = await open(await file(content));
    expect(documents.count).toBe(expected.length);
    expect(await all(documents)).toEqual(expected);
    expect(await all(documents)).toEqual(expected);
  });

  test('Windows line ends stay out of the text', async () => {
    expect(await all(await open(await file('one\r\ntwo\r\n')))).toEqual(['one', 'two']);
  });

  test('JSON lines: a field, or a string', async () => {
    const path = await file('{"text":"a\\nb","id":1}\n"c"\n', 'jsonl');
    expect(await all(await open(path))).toEqual(['a\nb', 'c']);
    const other = await file('{"body":"x"}\n', 'ndjson');
    expect(await all(await open(other, { field: 'body' }))).toEqual(['x']);
  });

  test('several files are one after the other; any place is read, in the order asked for', async () => {
    const documents = await open([await file('a\n\nb'), await file(''), await file('"c"', 'jsonl')]);
    expect(await documents.read([2, 0, 1, 0])).toEqual(['c', 'a', 'b', 'a']);
    expect(documents.where(1)).toMatch(/\.txt, line 3$/);
    expect(documents.where(2)).toMatch(/\.jsonl, line 1$/);
  });

  test('files of many pieces: lines across their borders, one longer than a piece', async () => {
    const lines = Array.from({ length: 300 }, (_, i) => `${i}:${'x'.repeat((i * 7919) % 60_000)}`);
    lines[150] = 'y'.repeat(9 << 20);
    const content = Buffer.from(lines.join('\n'));
    const progress: number[] = [];
    const documents = await open(await file(content), { onProgress: ({ doneBytes }) => progress.push(doneBytes) });
    expect(await all(documents)).toEqual(lines);
    expect(progress.at(-1)).toBe(content.length);
    const [input] = await documents.inputs();
    expect(input?.sha256).toBe(createHash('sha256').update(content).digest('hex'));
  });

  test.each<[string, string, string, string]>([
    ['no JSON', '{"text":"a"}\n{"text":', 'jsonl', 'line 2'],
    ['no field', '{"body":"a"}', 'jsonl', 'line 1'],
    ['a field that is no text', '\n{"text":3}', 'jsonl', 'line 2'],
    ['null', 'null', 'jsonl', 'line 1'],
  ])('bad input: %s names the line', async (_, content, ending, line) => {
    const { code, message } = await rejection(all(await open(await file(content, ending))));
    expect(code).toBe('GRADSIFT_FORMAT');
    expect(message).toContain(line);
  });

  test('bad input: files that are not there, places that are none, aborts, changed files', async () => {
    expect((await rejection(openDocuments(join(FOLDER, 'none')))).code).toBe('GRADSIFT_IO');
    expect((await rejection(openDocuments(FOLDER))).code).toBe('GRADSIFT_IO');
    expect((await rejection(openDocuments([]))).code).toBe('GRADSIFT_ARGUMENT');
    const path = await file('a\nb');
    const documents = await open(path);
    for (const place of [2, -1, 0.5, NaN]) {
      expect((await rejection(documents.read([place]))).code).toBe('GRADSIFT_ARGUMENT');
    }
    const signal = AbortSignal.abort(new Error('no'));
    expect((await rejection(openDocuments(path, { signal }))).message).toBe('no');
    await appendFile(path, '\nc');
    expect((await rejection(documents.inputs())).code).toBe('GRADSIFT_IO');
  });
});

describe('texts drawn by weights', () => {
  const domains = async () => ({
    a: await open(await file('a0\na1\na2\na3\na4')),
    b: await open(await file('b0\nb1\nb2')),
  });
  const weights = { a: 0.5, b: 0.5 };

  test.each([false, true])('are those of mixtureSampler, replacement %p; the state resumes', async (replacement) => {
    const sampler = documentSampler({ domains: await domains(), seed: 4, replacement });
    const plain = mixtureSampler({ sizes: { a: 5, b: 3 }, seed: 4, replacement });
    const whole = await sampler.draw(sampler.init(), weights, 40);
    expect(whole.documents.map(({ domain, index }) => ({ domain, index }))).toEqual(
      plain.draw(plain.init(), weights, 40).samples,
    );
    for (const { domain, index, text } of whole.documents) expect(text).toBe(`${domain}${index}`);
    const first = await sampler.draw(sampler.init(), weights, 13);
    const state = JSON.parse(JSON.stringify(first.state)) as typeof first.state;
    const again = documentSampler({ domains: await domains(), seed: 4, replacement });
    const rest = await again.draw(state, weights, 27);
    expect([...first.documents, ...rest.documents]).toEqual(whole.documents);
    expect(rest.state).toEqual(whole.state);
  });

  test('by clusters of one corpus, with the weights of crisp: an epoch has each text once', async () => {
    const corpus = await open(await file(Array.from({ length: 12 }, (_, i) => `t${i}`).join('\n')));
    const clusters = Uint32Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? 7 : 2));
    const parts = documentsByCluster(corpus, clusters);
    expect(Object.fromEntries(Object.entries(parts).map(([name, { count }]) => [name, count]))).toEqual({ 2: 8, 7: 4 });
    const plan = crisp({ generic: clusterCounts(clusters), target: { 7: 1 } });
    const sampler = documentSampler({ domains: parts, seed: 1 });
    const { documents } = await sampler.draw(sampler.init(), plan.weights, 4);
    expect(documents.map(({ text }) => text).sort()).toEqual(['t0', 't3', 't6', 't9']);
  });

  test('bad input', async () => {
    const parts = await domains();
    const sampler = documentSampler({ domains: parts, seed: 1 });
    expect((await rejection(sampler.draw(sampler.init(), { a: 1 }, 1))).code).toBe('GRADSIFT_ARGUMENT');
    const empty = documentSampler({ domains: { ...parts, c: await open(await file('')) }, seed: 1 });
    const all = { a: 0, b: 0, c: 1 };
    expect((await rejection(empty.draw(empty.init(), all, 1))).code).toBe('GRADSIFT_ARGUMENT');
    const bad = async (work: () => unknown) => rejection((async () => Promise.resolve(work()))());
    expect((await bad(() => documentSampler({ domains: null as never, seed: 1 }))).code).toBe('GRADSIFT_ARGUMENT');
    expect((await bad(() => documentSampler({ domains: {}, seed: 1 }))).code).toBe('GRADSIFT_ARGUMENT');
    expect((await bad(() => documentsByCluster(parts.a, [1]))).code).toBe('GRADSIFT_SHAPE');
    const part = documentsByCluster(parts.b, [0, 0, 1])['0'];
    expect((await bad(() => part?.read([2]))).code).toBe('GRADSIFT_ARGUMENT');
  });
});
