/** The random decisions of a batch in training. */
import { KeyedRandom } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import type { BatchKey } from "../views/view.js";
import { balancedSampler, type Sampler } from "./sampler.js";
import type { DetectionOptions } from "./settings.js";

export interface Decisions {
  /** Pixels of the shorter side that the photo at a place of the batch is made of. */
  readonly shortSide: (photo: number) => number;
  readonly anchors: Sampler;
  readonly proposals: Sampler;
}

/** Decisions that are functions of the key: a photo's depend on its number, not on the others of its batch. */
export function keyedDecisions(
  { shortSides, rpn, box }: Pick<DetectionOptions, "shortSides" | "rpn" | "box">,
  { seed, epoch, ids }: BatchKey,
): Decisions {
  const randomFor = (what: number) => (photo: number) => new KeyedRandom(seed, what, epoch, ids[photo]);
  return {
    shortSide: (photo) => shortSides[randomFor(purpose.shortSide)(photo).integer(shortSides.length)],
    anchors: balancedSampler(rpn, randomFor(purpose.anchors)),
    proposals: balancedSampler(box, randomFor(purpose.proposals)),
  };
}
