/** Which of many boxes a loss is taken of. */
import type { KeyedRandom, Tensor } from "@salmask/torch";

/** The anchors or the proposals of one photo. */
export interface Candidates {
  /** `[N]`: above 0 shows an object, 0 background, below 0 is passed over. */
  readonly labels: Int32Array;
  /** `[N, 4]` */
  readonly boxes: Tensor;
}

/** Places among the candidates, ascending. */
export interface Sample {
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
}

/** Chooses among the candidates of the photo at a place of the batch. */
export type Sampler = (candidates: Candidates, photo: number) => Sample;

export interface SampleSize {
  /** Of one photo. */
  readonly samples: number;
  /** Largest share of the samples that shows objects. */
  readonly positiveShare: number;
}

/**
 * As many positives as the share allows, the rest negatives, each as likely; fewer where there are not so many. What is
 * chosen for a photo depends on its random numbers and its labels alone.
 */
export function balancedSampler(
  { samples, positiveShare }: SampleSize,
  randomOf: (photo: number) => KeyedRandom,
): Sampler {
  return ({ labels }, photo) => {
    const random = randomOf(photo);
    const places = (isMeant: (label: number) => boolean) =>
      Int32Array.from(labels.keys()).filter((place) => isMeant(labels[place]));
    const positives = choose(
      places((label) => label > 0),
      Math.floor(samples * positiveShare),
      random,
    );
    const negatives = choose(
      places((label) => label === 0),
      samples - positives.length,
      random,
    );
    return { positives, negatives };
  };
}

/** At most `count` of the numbers, ascending: the first steps of a shuffle (Fisher and Yates). Reorders `from`. */
function choose(from: Int32Array, count: number, random: KeyedRandom): Int32Array {
  const chosen = Math.min(count, from.length);
  for (let i = 0; i < chosen; i++) {
    const j = i + random.integer(from.length - i);
    [from[i], from[j]] = [from[j], from[i]];
  }
  return from.slice(0, chosen).sort();
}
