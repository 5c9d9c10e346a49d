/**
 * COCO's compressed runs: a text of the characters "0" to "o". From the fourth on, a run is written as its difference to the
 * run two before it. A number is cut into groups of five bits, the lowest first, as in LEB128 with sign; a character is 48
 * plus the group, plus 32 where another group follows. The fifth bit of a number's last group is its sign (COCO API,
 * `rleToString`).
 */
import { DataError } from "../../base/errors.js";
import { type Rle, rleOfCounts } from "./rle.js";

const firstCharacter = 48;
const base = 32;
const signBit = 16;
/** Seven groups hold 35 bits; a difference of two runs has at most 33. */
const mostGroups = 7;
/** The first runs stand as they are: there is no run inside, or outside, before them to compare with. */
const plainRuns = 3;

/** Gives what COCO's own program gives for the same runs, character for character. */
export function stringOfRle({ counts }: Rle): string {
  let text = "";
  for (let i = 0; i < counts.length; i++) {
    let left = i < plainRuns ? counts[i] : counts[i] - counts[i - 2];
    let isDone = false;
    while (!isDone) {
      const higher = Math.floor(left / base);
      const group = left - higher * base;
      isDone = higher === (group < signBit ? 0 : -1);
      text += String.fromCharCode(firstCharacter + group + (isDone ? 0 : base));
      left = higher;
    }
  }
  return text;
}

/**
 * Throws DataError: `rle-character` for a character that cannot stand in such a text, `rle-cut` where the text ends within a
 * number, `rle-long-number` for a number of more than 35 bits, and as {@link rleOfCounts}.
 */
export function rleOfString(text: string, height: number, width: number): Rle {
  const counts: number[] = [];
  let [value, groups] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i) - firstCharacter;
    if (code < 0 || code >= 2 * base) {
      throw new DataError(
        "rle-character",
        `Expected characters from "0" to "o" in the compressed runs of a mask, got ${JSON.stringify(text[i])} at position ${i}.`,
      );
    }
    if (groups === mostGroups) {
      throw new DataError(
        "rle-long-number",
        `Expected numbers of at most ${mostGroups} characters in the compressed runs of a mask, got a longer one at position ${i - groups}.`,
      );
    }
    const group = code % base;
    value += group * base ** groups;
    groups++;
    if (code >= base) continue;
    if (group >= signBit) value -= base ** groups;
    counts.push(counts.length < plainRuns ? value : value + counts[counts.length - 2]);
    [value, groups] = [0, 0];
  }
  if (groups > 0) {
    throw new DataError(
      "rle-cut",
      "Expected compressed runs of a mask that end with a whole number, got a text that ends within one.",
    );
  }
  return rleOfCounts(counts, height, width);
}
