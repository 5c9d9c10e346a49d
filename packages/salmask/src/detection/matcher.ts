import { ops, type Tensor } from "@salmask/torch";

export interface MatcherOptions {
  /** Overlap from which a box is the object's. */
  readonly high: number;
  /** Overlap below which it is background; between the two it is neither. */
  readonly low: number;
  /** Whether each object's best boxes are matched however little they overlap. */
  readonly allowLowQuality: boolean;
}

/** What stands for a box without an object. */
export const background = -1;
/** What stands for a box that is neither an object's nor background. */
const undecided = -2;

/**
 * Which object each box is matched with: overlaps `[objects, boxes]` of at least one object to int64 `[boxes]`, an object's
 * place, {@link background} or {@link undecided}.
 */
export function match(overlaps: Tensor, { high, low, allowLowQuality }: MatcherOptions): Tensor {
  const [best, object] = overlaps.max(0); // [boxes] each
  const isBetween = best.ge(low).logicalAnd(best.lt(high));
  const matched = object.maskedFill(best.lt(low), background).maskedFill(isBetween, undecided); // [boxes]
  if (!allowLowQuality) return matched;
  const ofObject = overlaps.amax({ dim: 1, keepdim: true }); // [objects, 1]
  const isBestOfAny = overlaps.eq(ofObject).sum(0).gt(0); // [boxes]
  return ops.where(isBestOfAny, object, matched); // [boxes]
}
