import type { TensorInfo } from '@tensorflow/tfjs';
import { callSync } from '../../native/calls.js';
import { BOTH, isFloat32, place, type Kernel } from './kernel.js';

/** How an input runs through a result of rows and columns: by how many elements a row, and whether along one. */
interface Strides {
  readonly row: number;
  readonly along: boolean;
}

interface Broadcast {
  readonly rows: number;
  readonly columns: number;
  readonly a: Strides;
  readonly b: Strides;
}

/** Neighbouring dimensions of the result in which each input either runs or stays. */
interface Group {
  length: number;
  readonly runs: readonly [boolean, boolean];
}

function groups(a: readonly number[], b: readonly number[], result: readonly number[]): Group[] {
  const found: Group[] = [];
  for (const [axis, length] of result.entries()) {
    if (length === 1) continue;
    const runs = [a, b].map((shape) => (shape[axis - result.length + shape.length] ?? 1) === length);
    const last = found.at(-1);
    if (last && last.runs[0] === runs[0] && last.runs[1] === runs[1]) last.length *= length;
    else found.push({ length, runs: runs as [boolean, boolean] });
  }
  return found;
}

/** The result as rows and columns, each input being all of it, a row, a column or one value; undefined if it is not. */
export function broadcast(
  a: readonly number[],
  b: readonly number[],
  result: readonly number[],
): Broadcast | undefined {
  const found = groups(a, b, result);
  if (found.length > 2) return undefined;
  const columns = found.pop() ?? { length: 1, runs: [true, true] };
  const rows = found.pop() ?? { length: 1, runs: [false, false] };
  const strides = (input: 0 | 1): Strides => {
    const along = columns.runs[input];
    return { row: rows.runs[input] ? (along ? columns.length : 1) : 0, along };
  };
  return { rows: rows.length, columns: columns.length, a: strides(0), b: strides(1) };
}

/** A kernel of two inputs, element by element; `operation` as the native zip numbers it. */
function binary(name: string, operation: number): Kernel {
  return {
    name,
    backends: BOTH,
    run(context, call) {
      const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
      if (!isFloat32(a) || !isFloat32(b)) return context.stock(call);
      const shape = context.tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
      const plan = broadcast(a.shape, b.shape, shape);
      if (plan === undefined) return context.stock(call);
      const { output, out, values } = place(context, call, [a, b], shape);
      const [x, y] = values as [Float32Array, Float32Array];
      const strides = [plan.a.row, plan.a.along, plan.b.row, plan.b.along];
      callSync('zip', [x, y, out, operation, plan.rows, plan.columns, ...strides], context);
      return output;
    },
  };
}

export const add = binary('Add', 0);
export const sub = binary('Sub', 1);
export const multiply = binary('Multiply', 2);
export const realDiv = binary('RealDiv', 3);
