/** Lets work begin while the weights of what runs stay within a capacity: so many bytes held at once, for example. */
export class WeightedSemaphore {
  readonly capacity: number;
  #held = 0;
  readonly #waiting: { readonly weight: number; readonly admit: () => void }[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The weights of what runs now, together; never above the capacity. */
  get held(): number {
    return this.#held;
  }

  /**
   * Resolves when there is room, in the order of the calls, to a function that gives the room back; calling it twice
   * is allowed. What weighs more than the capacity is let in alone.
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
