/** The part of each batch that one process shows. */
export interface Share {
  readonly rank: number;
  readonly worldSize: number;
}

export const everything: Share = { rank: 0, worldSize: 1 };

/** The places `[from, to)` of a batch that belong to a rank. */
export function placesOf({ rank, worldSize }: Share, batchSize: number): { from: number; to: number } {
  return {
    from: Math.floor((rank * batchSize) / worldSize),
    to: Math.floor(((rank + 1) * batchSize) / worldSize),
  };
}
