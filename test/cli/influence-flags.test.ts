import { parseInfluenceFlags, type InfluenceFlags } from '../../lib/cli/influence-flags.js';

const parse = (flags: Partial<InfluenceFlags> = {}, terminal = false) =>
  parseInfluenceFlags({ train: 'train.safetensors', val: 'val.safetensors', ...flags }, terminal);

describe('options of gradsift influence', () => {
  test('every option ends where the library expects it', () => {
    const { settings, ...rest } = parse({
      fitOn: 'fit.safetensors',
      layers: ['a*', 'b*'],
      exclude: ['*c'],
      ids: 'ids.txt',
      onNonFinite: 'skip',
      method: 'hyperinf,datainf',
      solver: 'cg',
      dampingRatio: '0.2',
      side: 'rows',
      gramPrecision: 'f32',
      queries: 'each',
      convention: 'proponent',
      saveCurvature: 'c.safetensors',
      top: '5',
      format: 'ndjson',
      out: 'out.json',
      report: 'r.html',
      dryRun: false,
      quiet: true,
      memory: '1GiB',
      threads: '3',
      work: 'w',
    });
    expect(settings).toEqual({
      methods: ['hyperinf', 'datainf'],
      preset: undefined,
      solver: 'cg',
      damping: undefined,
      dampingRatio: 0.2,
      side: 'rows',
      gramPrecision: 'f32',
      queries: 'each',
      convention: 'proponent',
      onNonFinite: 'skip',
      saveCurvature: 'c.safetensors',
      loadCurvature: undefined,
      workDir: 'w',
      memoryBytes: 2 ** 30,
      threads: 3,
    });
    expect(rest).toMatchObject({
      fitOn: 'fit.safetensors',
      layers: ['a*', 'b*'],
      exclude: ['*c'],
      ids: 'ids.txt',
      top: 5,
    });
    expect(rest).toMatchObject({ format: 'ndjson', out: 'out.json', report: 'r.html', dryRun: false, quiet: true });
  });

  test('the format follows --format, then the ending of --out, then the terminal', () => {
    expect(parse({}, true).format).toBe('table');
    expect(parse({}, false).format).toBe('json');
    expect(parse({ out: 'a.csv' }, true).format).toBe('csv');
    expect(parse({ out: 'a.jsonl' }).format).toBe('ndjson');
    expect(parse({ out: 'a.scores' }, true).format).toBe('json');
    expect(parse({ out: 'a.csv', format: 'json' }).format).toBe('json');
  });

  test.each<[Partial<InfluenceFlags>, string]>([
    [{ damping: '1', dampingRatio: '1' }, '--damping, --damping-ratio: expected one of them, got both'],
    [{ saveCurvature: 'a', loadCurvature: 'b' }, '--save-curvature, --load-curvature: expected one of them, got both'],
    [{ preset: 'llm', solver: 'cg' }, '--preset, --solver: expected one of them, got both'],
    [{ dryRun: true, format: 'csv' }, '--format: expected table or json with --dry-run, got csv'],
    [{ method: 'hyperinf,magic' }, '--method: expected one of tracin, hyperinf,'],
    [{ preset: 'constructor' }, '--preset: expected one of mislabel, llm, vlm, got "constructor"'],
    [{ format: 'xml' }, '--format: expected one of json, ndjson, csv, table, got "xml"'],
    [{ top: '0' }, '--top: expected an integer >= 1, got 0'],
    [{ train: '' }, '--train: expected a file name, got ""'],
  ])('%j: %s', (flags, message) => {
    expect(() => parse(flags)).toThrow(
      expect.objectContaining({ code: 'GRADSIFT_ARGUMENT', message: expect.stringContaining(message) as string }),
    );
  });
});
