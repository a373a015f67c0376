import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

interface Report {
  readonly shapes: Record<string, number[]>;
  readonly checked: { name: string; at: number[]; got: number; expected: number }[];
}

const UNIT_ROUNDOFF_F32 = 2 ** -24;
/** Longest chain of float32 sums: forward through 64 + 128 + 128 terms, and back through 10 + 128 + 128. */
const TERMS = 64 + 128 + 128 + 10 + 128 + 128;
/** Central differences in float64, step 1e-5: rounding 2^-53 / 1e-5 and curvature 1e-10, with room for a loss of 10. */
const DIFFERENCES = 1e-9;

describe('gradients of the digits example', () => {
  const script = join(__dirname, 'digits-gradients.mjs');
  const report = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as Report;
  const largest = Math.max(...report.checked.map(({ expected }) => Math.abs(expected)));

  test('are those of central differences, layer by layer', () => {
    expect(report.checked.length).toBe(6 * 40);
    const bound = TERMS * UNIT_ROUNDOFF_F32 * largest + DIFFERENCES;
    const off = report.checked.filter(({ got, expected }) => !(Math.abs(got - expected) <= bound));
    expect(off).toEqual([]);
    // A gradient of zeros would pass otherwise.
    expect(report.checked.filter(({ expected }) => Math.abs(expected) > 10 * bound).length).toBeGreaterThan(60);
  });

  test('have the layout of the stores: samples, rank, width', () => {
    expect(report.shapes).toEqual({
      'layers.0.lora_A': [3, 4, 64],
      'layers.0.lora_B': [3, 4, 128],
      'layers.1.lora_A': [3, 4, 128],
      'layers.1.lora_B': [3, 4, 128],
      'layers.2.lora_A': [3, 4, 128],
      'layers.2.lora_B': [3, 4, 10],
    });
  });
});
