/** A learning rate as a function of progress. The caller chooses the unit (epochs or steps). */
export type Schedule = (at: number) => number;

/** From `lr` to 0 along half a cosine over `total` (Loshchilov and Hutter 2017, without restarts). */
export function cosine(lr: number, total: number): Schedule {
  return (at) => (lr / 2) * (1 + Math.cos((Math.PI * Math.min(at, total)) / total));
}

/** `lr`, multiplied by `gamma` at each milestone. */
export function multiStep(lr: number, milestones: readonly number[], gamma = 0.1): Schedule {
  return (at) => lr * gamma ** milestones.filter((milestone) => at >= milestone).length;
}

/** Linear from 0 to `after(0)` over the first `length`; then `after`, with progress counted from the end of the warm-up. */
export function warmUp(length: number, after: Schedule): Schedule {
  return (at) => (at < length ? (after(0) * at) / length : after(at - length));
}
