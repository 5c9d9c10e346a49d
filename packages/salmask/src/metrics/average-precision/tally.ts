import { type Curve, curveOf } from "./curve.js";
import { type Matches, outcome } from "./match.js";

/**
 * One category's matches over all photos, at each threshold of overlap, in each range of areas. What is kept of a detection
 * is a byte for each of these.
 */
export class Tally {
  /** `[N]`, of all photos' detections, photo after photo. */
  readonly #scores: number[] = [];
  /** `[N]`: how many detections of the same photo are surer. */
  readonly #places: number[] = [];
  readonly #ranges: { wanted: number; readonly outcomes: Bytes }[];

  /** @param ranges how many ranges each photo is matched in */
  constructor(
    private readonly thresholds: number,
    ranges: number,
  ) {
    this.#ranges = Array.from({ length: ranges }, () => ({ wanted: 0, outcomes: new Bytes() }));
  }

  /**
   * @param scores `[D]` of a photo's detections, falling
   * @param matches `[ranges]`
   */
  add(scores: Float64Array, matches: readonly Matches[]): void {
    for (let d = 0; d < scores.length; d++) {
      this.#scores.push(scores[d]);
      this.#places.push(d);
    }
    for (const [i, range] of this.#ranges.entries()) {
      range.wanted += matches[i].wanted;
      range.outcomes.append(matches[i].outcomes);
    }
  }

  /**
   * `[thresholds]`: the share of a range's truths that are found by the surest `most` detections of each photo; null where
   * there is none to find.
   */
  recalls(range: number, most: number): number[] | null {
    const { wanted, outcomes } = this.#ranges[range];
    if (wanted === 0) return null;
    const values = outcomes.values();
    const right = new Array<number>(this.thresholds).fill(0);
    for (let d = 0; d < this.#places.length; d++) {
      if (this.#places[d] >= most) continue;
      for (let t = 0; t < this.thresholds; t++) {
        if (values[d * this.thresholds + t] === outcome.right) right[t]++;
      }
    }
    return right.map((count) => count / wanted);
  }

  /**
   * `[ranges]` of `[thresholds]` curves over the detections of all photos by falling score, in the order of the photos where
   * scores are equal; null where a range has no truths to be found.
   */
  curves(): (Curve[] | null)[] {
    const ranked = this.#ranked();
    return this.#ranges.map(({ wanted, outcomes }) => {
      if (wanted === 0) return null;
      const values = outcomes.values();
      return Array.from({ length: this.thresholds }, (_, threshold) =>
        curveOf(
          ranked.map((d) => values[d * this.thresholds + threshold]),
          wanted,
        ),
      );
    });
  }

  /** `[N]`: the detections, surest first. */
  #ranked(): Uint32Array {
    const scores = this.#scores;
    return Uint32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  }
}

/** A list of bytes that grows. */
class Bytes {
  #held = new Uint8Array(256);
  #length = 0;

  append(more: Uint8Array): void {
    const length = this.#length + more.length;
    if (length > this.#held.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.values());
      this.#held = larger;
    }
    this.#held.set(more, this.#length);
    this.#length = length;
  }

  values(): Uint8Array {
    return this.#held.subarray(0, this.#length);
  }
}
