/** How long the cells that are left will take, by those of the same kind that are finished. */
export class TimeLeft {
  private readonly finished = new Map<string, { seconds: number; count: number }>();
  private readonly waiting = new Map<string, number>();

  /**
   * @param kinds one for each cell that is not finished
   * @param isAlike whether a kind of which none is finished takes about as long as the others
   */
  constructor(
    kinds: readonly string[],
    private readonly isAlike = false,
  ) {
    for (const kind of kinds) this.waiting.set(kind, (this.waiting.get(kind) ?? 0) + 1);
  }

  /** A cell is finished; null where it says nothing of others, because it failed. */
  end(kind: string, seconds: number | null): void {
    this.waiting.set(kind, (this.waiting.get(kind) ?? 1) - 1);
    if (seconds === null) return;
    const before = this.finished.get(kind) ?? { seconds: 0, count: 0 };
    this.finished.set(kind, { seconds: before.seconds + seconds, count: before.count + 1 });
  }

  /** Seconds; null while a kind is waiting of which nothing is known. */
  get seconds(): number | null {
    let total = 0;
    const all = Array.from(this.finished.values());
    const other = {
      seconds: all.reduce((sum, { seconds }) => sum + seconds, 0),
      count: all.reduce((sum, { count }) => sum + count, 0),
    };
    const usual = this.isAlike && all.length > 0 ? other : undefined;
    for (const [kind, count] of this.waiting) {
      if (count === 0) continue;
      const known = this.finished.get(kind) ?? usual;
      if (known === undefined) return null;
      total += (count * known.seconds) / known.count;
    }
    return total;
  }
}
