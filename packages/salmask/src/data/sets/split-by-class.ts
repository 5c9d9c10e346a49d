import { KeyedRandom } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { LabelledPhoto } from "./data-set.js";

/**
 * Draws, of each class, the photos to learn from; the rest is the test split. Which photos is a function of the seed, the class's
 * position and the order of its photos alone; both splits keep the order.
 */
export function splitByClass(
  photos: readonly LabelledPhoto[],
  { seed, trainOf }: { readonly seed: number; readonly trainOf: (count: number) => number },
): { train: LabelledPhoto[]; test: LabelledPhoto[] } {
  const byClass = new Map<number, LabelledPhoto[]>();
  for (const photo of photos) {
    const others = byClass.get(photo.label);
    if (others === undefined) byClass.set(photo.label, [photo]);
    else others.push(photo);
  }
  const learned = new Set<LabelledPhoto>();
  for (const [label, members] of byClass) {
    const order = new KeyedRandom(seed, purpose.split, label).permutation(members.length);
    for (const position of order.subarray(0, trainOf(members.length))) learned.add(members[position]);
  }
  return {
    train: photos.filter((photo) => learned.has(photo)),
    test: photos.filter((photo) => !learned.has(photo)),
  };
}
