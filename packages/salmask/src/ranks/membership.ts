import { oneRank, type Ranks } from "./ranks.js";

/** What a process has joined; disposing of it leaves the group. */
export interface Membership extends Disposable {
  /** For tensors of the host alone. */
  readonly ranks: Ranks;
  /** For tensors of a device, too. Every rank calls it. Throws UsageError `other-devices` where the ranks have different kinds. */
  ranksOn(device: "cpu" | "cuda:0"): Ranks;
}

/** Of a process alone. */
export const alone: Membership = { ranks: oneRank, ranksOn: () => oneRank, [Symbol.dispose]: () => {} };
