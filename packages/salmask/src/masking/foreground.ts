/** The cells of each crop that belong to the object. */
export interface Foreground {
  /** `[B * rows * cols]`, crop by crop, row by row: 1 for foreground cells. */
  readonly cells: Uint8Array;
  /** `[B]`: the foreground's share of each crop's cells, gamma, 0 to 1. */
  readonly shares: Float64Array;
}
