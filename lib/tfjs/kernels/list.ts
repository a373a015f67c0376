import { batchMatMul } from './batch-mat-mul.js';
import { fusedMatMul } from './fused-mat-mul.js';
import type { Kernel } from './kernel.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

/** Every kernel that {@link accelerate} puts in. */
export const KERNELS: readonly Kernel[] = [batchMatMul, fusedMatMul, unsortedSegmentSum];
