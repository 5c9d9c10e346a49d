/** Which cells of each crop belong to the object. */
export interface Foreground {
  /** `[B * rows * cols]`, crop after crop, row after row: 1 where the cell is foreground. */
  readonly cells: Uint8Array;
  /** `[B]`: the foreground's share of each crop's cells, gamma, 0 to 1. */
  readonly shares: Float64Array;
}
