import type { LayerRows } from './layer-rows.js';

/** The rows of one layer after another. */
export interface RowsInTurn {
  /** The rows of a layer, perhaps under way already; whoever takes them closes them. */
  take(index: number): Promise<LayerRows>;
  /** Closes what was read and not taken. */
  close(): Promise<void>;
}

/**
 * Reads a layer while the one before it is computed.
 *
 * @param open opens the rows of a layer, to call `onKept` once they lie in memory: the next layer is read from then on
 */
export function readAhead(open: (index: number, onKept: () => void) => LayerRows): RowsInTurn {
  let next: { readonly index: number; readonly rows: LayerRows } | undefined;

  function openAt(index: number): LayerRows {
    return open(index, () => {
      next = { index: index + 1, rows: openAt(index + 1) };
      next.rows.readAhead();
    });
  }

  async function close(): Promise<void> {
    const left = next;
    next = undefined;
    await left?.rows.close();
  }

  return {
    async take(index) {
      if (next?.index !== index) {
        await close(); // read in vain: a work folder has that layer
        return openAt(index);
      }
      const { rows } = next;
      next = undefined;
      return rows;
    },
    close,
  };
}
