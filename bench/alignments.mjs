// What DoGE and DGA are fed: alignments of 16 domain gradients of 10^8 bfloat16 with a target, from a file of 3.2 GB in
// the file cache (and one of 0.2 GB for the target). "Peak" is a plain read loop over the same columns of the same
// files, in the same rounds: GradientStore.columns, each block summed once (readPeak) while the next is read, and
// nothing else. Both count the bytes of both files; nothing is hashed ({ hash: false }: SHA-256 would add 0.5 s a GB).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alignments, openGradients, readPeak } from 'gradsift';
import { writeHalfStore } from './stores.mjs';
import { medianSeconds } from './timer.mjs';

const DOMAINS = 16;
const PARAMETERS = 100_000_000;
/** As lib/reweighting/alignments.ts has them. */
const BLOCK_COLUMNS = 262_144;

async function plainRead(stores, threads) {
  for (const store of stores) {
    for (const layer of store.layers) {
      for await (const { rows } of store.columns(layer, { blockColumns: BLOCK_COLUMNS })) {
        readPeak(new Float32Array(rows.buffer, rows.byteOffset, rows.length >> 1), { threads });
      }
    }
  }
}

export default {
  op: 'alignments',
  async run({ threads }) {
    const folder = mkdtempSync(join(tmpdir(), 'gradsift-alignments-'));
    try {
      const shape = { layers: 1, r: 1, d: PARAMETERS };
      const paths = [
        writeHalfStore(join(folder, 'domains.safetensors'), { samples: DOMAINS, ...shape }),
        writeHalfStore(join(folder, 'target.safetensors'), { samples: 1, ...shape }),
      ];
      const [gradients, target] = await Promise.all(paths.map((path) => openGradients(path, { hash: false })));
      const rows = Array.from({ length: DOMAINS }, (_, i) => `domain${i}`);
      const results = [];
      for (const used of threads) {
        const { read, ...seconds } = await medianSeconds(
          {
            read: () => plainRead([gradients, target], used),
            'with a target': () => alignments({ gradients, rows, target, threads: used }),
            'Gram matrix': () => alignments({ gradients, rows, threads: used }),
          },
          { seconds: 1, minimum: 7 },
        );
        for (const [name, time] of Object.entries(seconds)) {
          const bytes = 2 * PARAMETERS * (DOMAINS + (name === 'Gram matrix' ? 0 : 1));
          results.push({
            case: `${name}, ${DOMAINS} x 1e8 bf16`,
            threads: used,
            unit: 'GB/s',
            value: bytes / time / 1e9,
            peak: (2 * PARAMETERS * (DOMAINS + 1)) / read / 1e9,
            peers: {},
          });
        }
      }
      await Promise.all([gradients.close(), target.close()]);
      return results;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
