import { GradsiftError, mismatch } from '../errors.js';
import { binding } from './binding.js';

/**
 * Where a call runs. 'cpu' (default); 'cuda', the first GPU that can be used; 'cuda:1', that one; 'auto', a GPU where
 * there is one and the CPU elsewhere, whatever the size: no cost model has been measured yet.
 */
export type DeviceName = 'cpu' | 'cuda' | `cuda:${number}` | 'auto';

/** Options of calls that a GPU can take over. */
export interface DeviceOptions {
  /** Default 'cpu'. A GPU that cannot be had is an error (GRADSIFT_CUDA, with the reason), except with 'auto'. */
  readonly device?: DeviceName | undefined;
}

/** The trailing argument of a native operation that says where to run: none on the CPU. */
export function deviceArgument(device: DeviceName | undefined): readonly number[] {
  if (device === undefined || device === 'cpu') return [];
  if (device === 'auto') {
    const first = firstUsable();
    return first < 0 ? [] : [first];
  }
  const [, number] = /^cuda(?::(\d{1,3}))?$/.exec(String(device)) ?? [];
  if (device !== 'cuda' && number === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', 'device', "'cpu', 'cuda', 'cuda:' and a number, or 'auto'", device);
  }
  return [number === undefined ? requireAny() : requireOne(Number(number))];
}

function firstUsable(): number {
  return binding.cuda().devices.findIndex(({ reason }) => reason === '');
}

function requireAny(): number {
  const first = firstUsable();
  if (first < 0) throw new GradsiftError('GRADSIFT_CUDA', `device 'cuda': ${binding.cuda().reason}`);
  return first;
}

function requireOne(index: number): number {
  const { devices, reason } = binding.cuda();
  const device = devices[index];
  if (device === undefined) {
    const why = reason || `there ${devices.length === 1 ? 'is 1 GPU' : `are ${devices.length} GPUs`}, counted from 0`;
    throw new GradsiftError('GRADSIFT_CUDA', `device 'cuda:${index}': ${why}`);
  }
  if (device.reason !== '') throw new GradsiftError('GRADSIFT_CUDA', `device 'cuda:${index}': ${device.reason}`);
  return index;
}
