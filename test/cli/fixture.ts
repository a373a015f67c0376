import type { InfluenceResult, LayerRecord } from '../../lib/influence/result.js';

function layer(name: string, share: number): LayerRecord {
  return {
    name,
    shape: [4, 2, 3],
    share,
    status: 'ok',
    damping: 0.125,
    solver: 'cholesky',
    why: 'small',
    steps: 1,
    residual: 2 ** -52,
    lambdaMin: 0.125,
    lambdaMax: 2,
    muCutoff: null,
    gramPrecision: 'f64',
  };
}

/** A result of four samples and two methods, with a name that must be escaped and a sample that was left out. */
export function fixtureResult(changes: Partial<InfluenceResult> = {}): InfluenceResult {
  const layers = [layer('layers.0.<b>A</b>', 0.75), layer('layers.1', 0.25)];
  return {
    schema: 'gradsift/influence/1',
    convention: 'loss-derivative',
    samples: 4,
    ids: null,
    queries: ['mean'],
    methods: {
      hyperinf: { status: 'ok', scores: [Float64Array.of(1 / 3, -2, NaN, 5e-7)], passes: 2, layers, seconds: 0.5 },
      tracin: {
        status: 'diverged',
        scores: [Float64Array.of(3, -1, NaN, 0)],
        passes: 1,
        layers: layers.map((one) => ({ ...one, status: 'diverged', residual: null })),
        seconds: 0.25,
      },
    },
    options: {
      preset: null,
      side: 'columns',
      fisherScale: 'none',
      gramPrecision: 'f64',
      damping: null,
      dampingRatio: 0.1,
    },
    skipped: [{ store: 'train & more', sample: 2, layer: 'layers.1' }],
    skippedLayers: ['layers.9'],
    unusedLayers: [],
    inputs: [{ path: '<train>.safetensors', sha256: 'ab'.repeat(32), bytes: 4096 }],
    version: '1.2.3',
    isa: 'portable',
    threads: 2,
    seconds: 1,
    ...changes,
  };
}
