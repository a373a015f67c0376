// What the caller adds to a result to make a report of it.

/** How well rankings find samples that are known to be bad, over several runs. */
export interface DetectionStudy {
  /** Share of the samples that are marked: what a random order finds at each step, and the corner of a perfect one. */
  readonly marked: number;
  readonly rankings: readonly {
    readonly name: string;
    /** A score that takes no gradients, drawn as a dashed line. */
    readonly baseline?: boolean | undefined;
    /** For each run, found[k] = share of the marked samples among the k highest, k = 0 .. samples. */
    readonly curves: readonly ArrayLike<number>[];
    readonly auc: readonly number[];
    /** Scoring time of each run. */
    readonly seconds?: readonly number[] | undefined;
  }[];
}

/** Small grey images of samples, in the order given. */
export interface PictureSheet {
  readonly caption: string;
  readonly width: number;
  readonly height: number;
  readonly pictures: readonly {
    /** width x height values in [0, 1], 0 white and 1 black. */
    readonly pixels: ArrayLike<number>;
    readonly title: string;
    readonly note: string;
    /** Marks the picture: drawn in the colour of harmful samples. */
    readonly marked: boolean;
  }[];
}

export interface ReportExtras {
  readonly title?: string | undefined;
  /** One or two sentences under the title: what was done. */
  readonly summary?: string | undefined;
  /** The method whose ranking is shown sample by sample; the first one by default. */
  readonly leading?: string | undefined;
  /** Facts for the last section: options as the caller gave them. */
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly detection?: DetectionStudy | undefined;
  readonly pictures?: PictureSheet | undefined;
}
