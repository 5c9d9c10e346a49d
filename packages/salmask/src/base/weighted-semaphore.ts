/** Starts work only while the sum of the weights of running work is within a capacity, for example a number of bytes. */
export class WeightedSemaphore {
  readonly capacity: number;
  #held = 0;
  readonly #waiting: { readonly weight: number; readonly admit: () => void }[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The sum of the weights of running work; never above the capacity. */
  get held(): number {
    return this.#held;
  }

  /**
   * Resolves when there is room, in the order of the calls, to a function that releases the weight; a second call of it
   * has no effect. Work whose weight is above the capacity runs alone.
   */
  async acquire(weight: number): Promise<() => void> {
    const counted = Math.min(Math.max(weight, 0), this.capacity);
    if (this.#waiting.length > 0 || this.#held + counted > this.capacity) {
      await new Promise<void>((admit) => this.#waiting.push({ weight: counted, admit }));
    } else {
      this.#held += counted;
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#held -= counted;
      this.#admitWaiting();
    };
  }

  #admitWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#held + next.weight > this.capacity) return;
      this.#waiting.shift();
      this.#held += next.weight;
      next.admit();
    }
  }
}
