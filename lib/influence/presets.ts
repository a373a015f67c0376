// The settings of the HyperINF authors' code (Blackzxy/HyperINF, commit 6ce71cc), kept exactly: X_0 = alpha I, a fixed
// number of textbook steps X <- X (2 I - A X), no stop test, A = G + (lambda + extraDamping) I, lambda = mean(g^2) /
// 10.

/** The authors' published settings: 'mislabel' detection, data selection for an 'llm' or a 'vlm'. */
export type PresetName = 'mislabel' | 'llm' | 'vlm';

export interface Preset {
  /** X_0 = alpha I. Converges only while the largest eigenvalue of A is below 2 / alpha = 40 000. */
  readonly alpha: number;
  readonly steps: number;
  /** Absolute term beside lambda. */
  readonly extraDamping: number;
  /** Type that the iteration runs in. */
  readonly precision: 'f64' | 'f32';
  readonly gramPrecision: 'f64' | 'f32';
  /** What `lissa` and `lissa-gfim` mean in that code, where it has them. */
  readonly lissa?: { readonly compat: 'datainf' };
  readonly lissaGfim?: { readonly steps: number; readonly stepSize: number; readonly tolerance: number };
}

/**
 * `mislabel`: Mislabeled_Data_Detection/src/influence.py (its method names: identity = tracin, iterative = hyperinf,
 * datainf = datainf, LiSSA = lissa, accurate = exact). `llm` and `vlm`: the two data-selection strategies; 15 steps
 * resolve eigenvalues above 0.61 only (muCutoff in the result says so).
 */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  mislabel: {
    alpha: 5e-5,
    steps: 30,
    extraDamping: 0.001,
    precision: 'f64',
    gramPrecision: 'f64',
    lissa: { compat: 'datainf' },
  },
  llm: {
    alpha: 5e-5,
    steps: 30,
    extraDamping: 0,
    precision: 'f32',
    gramPrecision: 'f32',
    lissaGfim: { steps: 10, stepSize: 1, tolerance: 0 },
  },
  vlm: {
    alpha: 5e-5,
    steps: 15,
    extraDamping: 0,
    precision: 'f32',
    gramPrecision: 'f32',
    lissaGfim: { steps: 10, stepSize: 1, tolerance: 0 },
  },
};
