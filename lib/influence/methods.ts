// The one list of algorithms.
import { datainfMatrix } from './datainf-matrix.js';
import { datainf } from './datainf.js';
import type { Estimator } from './estimator.js';
import { exact } from './exact.js';
import { hyperinf } from './hyperinf.js';
import { lissaGfim } from './lissa-gfim.js';
import { lissa } from './lissa.js';
import type { MethodName } from './options.js';
import { tracin } from './tracin.js';

export const ESTIMATORS: Readonly<Record<MethodName, Estimator>> = {
  tracin,
  hyperinf,
  datainf,
  'datainf-matrix': datainfMatrix,
  lissa,
  'lissa-gfim': lissaGfim,
  exact,
};
