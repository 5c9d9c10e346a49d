import type { FillName, FillSettings } from "./fills/registry.js";

/** What is masked, how much of it, and with what. */
export interface MaskOptions extends FillSettings {
  readonly fill: FillName;
  /** Which of the two views are masked. */
  readonly branch: "query" | "key" | "both" | "none";
  /** `saliency`: object and background lose the same share. `random`: the control, which looks at neither. */
  readonly cells: "saliency" | "random";
  /** Share of the cells that a masked view loses, drawn uniformly between the two for each image. */
  readonly ratio: readonly [number, number];
  /** Share of a masked view's cells that falls on the object; without it, object and background lose the same share. */
  readonly foregroundShare?: number;
  readonly negative: {
    /** Hard negatives of each key, M. */
    readonly count: number;
    /** Share of the object's cells that a hard negative loses, drawn uniformly between the two. */
    readonly ratio: readonly [number, number];
    /**
     * `own`: each query has its key's. `shared`: for study only, all queries have those of the batch's first key, as the
     * released code gives them. That code normalises them alone, and has one first key a GPU; here M of them go through the
     * encoder with the keys, where `own` sends M a key, and a batch has one first key whatever its groups.
     */
    readonly of: "own" | "shared";
  };
}
