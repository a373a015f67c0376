/** Element type of a stored tensor, by its safetensors name. F16 and BF16 are widened to float32 as they are read. */
export type StoredDtype = 'F32' | 'F64' | 'F16' | 'BF16';

/** One layer of a store: a matrix of r x d gradient entries for each sample. */
export interface LayerInfo {
  readonly name: string;
  readonly samples: number;
  /** The summed side by default (LoRA rank, out-features). 1 for stores of flat [samples, d] rows. */
  readonly r: number;
  /** The kept side by default (width). */
  readonly d: number;
  readonly dtype: StoredDtype;
}

/**
 * Consecutive samples of one layer, row-major [samples, r, d]. `rows` is reused: valid until the next block is asked
 * for or the iterator ends, and never to be written to (a store in memory hands out views of the caller's arrays).
 */
export interface RowBlock {
  /** Index of the first sample of the block. */
  readonly start: number;
  readonly samples: number;
  readonly rows: Float32Array | Float64Array;
}

/** How a layer is read. */
export interface BlockOptions {
  /** Samples in each block but the last, >= 1. */
  readonly blockSamples: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Consecutive columns of all samples of one layer, as they are stored: 16-bit floats as bits. `rows` is reused, and not
 * to be written to, as that of a {@link RowBlock}.
 */
export interface ColumnBlock {
  /** Index of the first column, of r * d. */
  readonly start: number;
  readonly columns: number;
  /** From the first column of the first sample on. */
  readonly rows: Float32Array | Float64Array | Uint16Array;
  /** Elements from one sample to the next. */
  readonly rowStride: number;
}

/** How a layer is read by columns. */
export interface ColumnOptions {
  /** Columns in each block but the last, >= 1. */
  readonly blockColumns: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a result says of the files it came from. */
export interface InputRecord {
  readonly path: string;
  /** Hex SHA-256 of the whole file; null for arrays in memory, and where hashing was declined. */
  readonly sha256: string | null;
  readonly bytes: number;
}

/** Per-sample gradients of a model, layer by layer: read in blocks of samples, validated before anything is used. */
export interface GradientStore {
  /** For messages: the path, or a name given by the caller. */
  readonly source: string;
  /** Samples in every layer (a store whose layers disagree is refused when opened). */
  readonly samples: number;
  /** In the order of their bytes in the file, so that one pass over all layers reads the file once, forward. */
  readonly layers: readonly LayerInfo[];
  /** Blocks of one layer, in order of samples, the next one being read while the caller works on the last. */
  blocks(layer: LayerInfo, options: BlockOptions): AsyncIterableIterator<RowBlock>;
  /** Most bytes that `blocks` of this layer keeps allocated: for a planner that has a budget. */
  blockBytes(layer: LayerInfo, blockSamples: number): number;
  /** The same of blocks of columns, in their order: for layers of which not even one row may be held. */
  columns(layer: LayerInfo, options: ColumnOptions): AsyncIterableIterator<ColumnBlock>;
  /** Most bytes that `columns` of this layer keeps allocated. */
  columnBytes(layer: LayerInfo, blockColumns: number): number;
  /** Hashes of the files, from the bytes already read; bytes that no pass touched are read now. */
  inputs(signal?: AbortSignal): Promise<InputRecord[]>;
  close(): Promise<void>;
}
