import { adam } from './adam.js';
import { batchMatMul } from './batch-mat-mul.js';
import { add, multiply, realDiv, sub } from './binary.js';
import { crossEntropy, crossEntropyGradient } from './cross-entropy.js';
import { einsum } from './einsum.js';
import { fusedMatMul } from './fused-mat-mul.js';
import { gelu, geluGradient } from './gelu.js';
import { cast, identity } from './identity.js';
import type { Kernel } from './kernel.js';
import { concat, gatherV2, splitV, transpose } from './moves.js';
import { norm, normGradient } from './norm.js';
import { causalSoftmax, causalSoftmaxGradient, softmax } from './softmax.js';
import { mean, sum } from './sum.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

/** Every kernel that {@link accelerate} puts in: those of TensorFlow.js, then ours, which lib/tfjs/ops/ calls. */
export const KERNELS: readonly Kernel[] = [
  batchMatMul,
  fusedMatMul,
  add,
  sub,
  multiply,
  realDiv,
  sum,
  mean,
  softmax,
  identity,
  cast,
  transpose,
  splitV,
  concat,
  gatherV2,
  unsortedSegmentSum,
  einsum,
  norm,
  normGradient,
  gelu,
  geluGradient,
  causalSoftmax,
  causalSoftmaxGradient,
  crossEntropy,
  crossEntropyGradient,
  adam,
];
