import { binding, bindingPath, type CudaStatus } from './binding.js';

/** What the native core runs on, and why. */
export interface Backend {
  /**
   * Instruction set in use: "avx512bf16", "avx512", "avx2", "neon" or "portable". Results have the same bits on one
   * instruction set.
   */
  readonly isa: string;
  /** Every instruction set of this build, best first: in use, not supported by this processor, or passed over. */
  readonly instructionSets: readonly { readonly name: string; readonly status: string }[];
  /** Threads used by default: those that the process may run on. */
  readonly threads: number;
  /** The native addon that was opened. */
  readonly path: string;
  /** The CUDA library and its GPUs, or why nothing can run on one. */
  readonly cuda: CudaStatus;
}

/**
 * Tells which instruction set was chosen, why not a better one, where the native code came from, and which GPUs there
 * are. Opens the CUDA library, if there is one.
 */
export function backend(): Backend {
  const isa = binding.isa();
  const status = (name: string, supported: boolean): string => {
    if (name === isa) return 'in use';
    if (!supported) return 'not supported by this processor';
    return process.env['GRADSIFT_ISA'] === isa ? 'passed over: GRADSIFT_ISA asks for another' : 'slower here';
  };
  const instructionSets = Object.entries(binding.instructionSets).map(([name, supported]) => ({
    name,
    status: status(name, supported),
  }));
  return { isa, instructionSets, threads: binding.hardwareThreads, path: bindingPath, cuda: binding.cuda() };
}
