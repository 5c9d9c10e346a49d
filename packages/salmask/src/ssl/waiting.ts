import { keep, noGrad, scope, type Tensor } from "@salmask/torch";

/** What the micro-batches of a step leave for its end. */
export class Waiting {
  private parts: Tensor[] = [];

  /** Keeps a tensor, without its gradient, until the end of the step. */
  add(part: Tensor): void {
    this.parts.push(keep(part.detach()));
  }

  /** Gives everything that waits to `use`, in the order in which it came; then nothing waits. If nothing does, `use` is not called. */
  take(use: (parts: readonly Tensor[]) => void): void {
    if (this.parts.length === 0) return;
    noGrad(() => scope(() => use(this.parts)));
    this.dispose();
  }

  /** Forgets what waits. */
  dispose(): void {
    for (const part of this.parts) part.dispose();
    this.parts = [];
  }
}
