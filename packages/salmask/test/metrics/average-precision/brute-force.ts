/**
 * COCO's and VOC's measures once more, from their definitions and without a thought for speed: masks and boxes are grids of
 * pixels, precision at a recall is the highest over all numbers of detections that reach it. Nothing here is shared with the
 * code under test.
 */

import type { Rle } from "../../../src/data/samples/rle.js";
import type { Detection, ScoredPhoto, Truth } from "../../../src/metrics/average-precision/detection.js";

export type By = "boxes" | "masks";

/** NumPy's `linspace(0.5, 0.95, 10)` and `linspace(0, 1, 101)`, which COCO's program reads precision at. */
const overlaps = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95];
const recalls = Array.from({ length: 101 }, (_, i) => i * 0.01);

/** The pixels that a mask or a box with whole corners holds, as numbers. */
function pixelsOf(one: { box: readonly number[]; mask: Rle | null }, by: By): Set<number> {
  const pixels = new Set<number>();
  if (by === "boxes") {
    const [left, top, right, bottom] = one.box;
    for (let x = left; x < right; x++) for (let y = top; y < bottom; y++) pixels.add(x * 10_000 + y);
    return pixels;
  }
  const { height, counts } = one.mask!;
  const inside = [...counts].flatMap((run, i) => new Array<boolean>(run).fill(i % 2 === 1));
  inside.forEach((isInside, i) => {
    if (isInside) pixels.add(Math.floor(i / height) * 10_000 + (i % height));
  });
  return pixels;
}

interface Pair {
  /** In the order in which the detections of a photo choose. */
  detection: Detection;
  area: number;
  /** By truth of the photo and category. */
  overlap: number[];
}

interface PhotoPairs {
  truths: Truth[];
  pairs: Pair[];
}

/** One category's pairs in each photo. */
export function pairsOf(
  photos: readonly ScoredPhoto[],
  category: number,
  by: By,
  most: number,
): PhotoPairs[] {
  return photos.map((photo) => {
    const truths = photo.truths.filter((truth) => truth.category === category);
    const grids = truths.map((truth) => pixelsOf(truth, by));
    const pairs = photo.detections
      .filter((detection) => detection.category === category)
      .map((detection, i) => ({ detection, i }))
      .sort((a, b) => b.detection.score - a.detection.score || a.i - b.i)
      .slice(0, most)
      .map(({ detection }): Pair => {
        const grid = pixelsOf(detection, by);
        const overlap = grids.map((truthGrid, t) => {
          const both = [...grid].filter((pixel) => truthGrid.has(pixel)).length;
          const whole = truths[t].isCrowd ? grid.size : grid.size + truthGrid.size - both;
          return whole === 0 ? 0 : both / whole;
        });
        return { detection, area: grid.size, overlap };
      });
    return { truths, pairs };
  });
}

type Verdict = "right" | "wrong" | "neither";

/** COCO: each detection takes the best of the truths that are left, by a sort of all of them. */
function cocoVerdicts({ truths, pairs }: PhotoPairs, overlap: number, [least, most]: number[]): Verdict[] {
  const isOut = (area: number) => area < least || area > most;
  const isIgnored = (t: number) => truths[t].isCrowd || truths[t].isDifficult || isOut(truths[t].area);
  let left = truths.map((_, t) => t);
  return pairs.map((pair) => {
    const [taken] = left
      .filter((t) => pair.overlap[t] >= overlap)
      .sort(
        (a, b) => Number(isIgnored(a)) - Number(isIgnored(b)) || pair.overlap[b] - pair.overlap[a] || b - a,
      );
    if (taken === undefined) return isOut(pair.area) ? "neither" : "wrong";
    if (!truths[taken].isCrowd) left = left.filter((t) => t !== taken);
    return isIgnored(taken) ? "neither" : "right";
  });
}

/** VOC: each detection belongs to the truth it overlaps most, whatever became of that. No crowds. */
function vocVerdicts({ truths, pairs }: PhotoPairs, overlap: number): Verdict[] {
  const found = new Set<number>();
  return pairs.map((pair) => {
    const most = Math.max(...pair.overlap);
    if (!(most >= overlap)) return "wrong";
    const truth = pair.overlap.indexOf(most);
    if (truths[truth].isDifficult) return "neither";
    if (found.has(truth)) return "wrong";
    found.add(truth);
    return "right";
  });
}

/** Precision and recall after each detection that counts, surest first over all photos. */
function pointsOf(photos: readonly PhotoPairs[], verdicts: Verdict[][], wanted: number) {
  const all = photos.flatMap(({ pairs }, p) =>
    pairs.map(({ detection }, i) => ({ score: detection.score, verdict: verdicts[p][i], p, i })),
  );
  const listed = all
    .sort((a, b) => b.score - a.score || a.p - b.p || a.i - b.i)
    .filter(({ verdict }) => verdict !== "neither");
  return listed.map((_, n) => {
    const found = listed.slice(0, n + 1).filter(({ verdict }) => verdict === "right").length;
    return { precision: found / (n + 1), recall: found / wanted, found };
  });
}

const mean = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
};

export function bruteCoco(photos: readonly ScoredPhoto[], categories: number, by: By) {
  const infinity = 1e10;
  const ranges = { all: [0, infinity], small: [0, 1024], medium: [1024, 9216], large: [9216, infinity] };
  const byCategory = Array.from({ length: categories }, (_, category) => {
    const pairs = pairsOf(photos, category, by, 100);
    const isWanted = ({ isCrowd, isDifficult, area }: Truth, [least, most]: number[]) =>
      !isCrowd && !isDifficult && area >= least && area <= most;
    const wantedIn = (range: number[]) =>
      pairs.flatMap(({ truths }) => truths).filter((truth) => isWanted(truth, range)).length;
    const ap = (range: number[], overlap: number): number | null => {
      const wanted = wantedIn(range);
      if (wanted === 0) return null;
      const verdicts = pairs.map((one) => cocoVerdicts(one, overlap, range));
      const points = pointsOf(pairs, verdicts, wanted);
      return mean(
        recalls.map((least) =>
          Math.max(0, ...points.filter(({ recall }) => recall >= least).map(({ precision }) => precision)),
        ),
      );
    };
    const ar = (range: number[], most: number): number | null => {
      const wanted = wantedIn(range);
      if (wanted === 0) return null;
      const few = pairs.map(({ truths, pairs: all }) => ({ truths, pairs: all.slice(0, most) }));
      return mean(
        overlaps.map(
          (overlap) =>
            few.flatMap((one) => cocoVerdicts(one, overlap, range)).filter((v) => v === "right").length /
            wanted,
        ),
      );
    };
    const apOver = (range: number[]) => mean(overlaps.map((overlap) => ap(range, overlap)));
    return {
      ap: apOver(ranges.all),
      ap50: ap(ranges.all, 0.5),
      ap75: ap(ranges.all, 0.75),
      apSmall: apOver(ranges.small),
      apMedium: apOver(ranges.medium),
      apLarge: apOver(ranges.large),
      ar1: ar(ranges.all, 1),
      ar10: ar(ranges.all, 10),
      ar100: ar(ranges.all, 100),
      arSmall: ar(ranges.small, 100),
      arMedium: ar(ranges.medium, 100),
      arLarge: ar(ranges.large, 100),
    };
  });
  type Name = keyof (typeof byCategory)[number];
  const names = Object.keys(byCategory[0]) as Name[];
  const all = Object.fromEntries(names.map((name) => [name, mean(byCategory.map((one) => one[name]))]));
  return { all, byCategory };
}

export function bruteVoc(photos: readonly ScoredPhoto[], categories: number, by: By) {
  const scores = (category: number, form: "elevenPoints" | "area", overlap: number): number | null => {
    const pairs = pairsOf(photos, category, by, Number.POSITIVE_INFINITY);
    const wanted = pairs.flatMap(({ truths }) => truths).filter((truth) => !truth.isDifficult).length;
    if (wanted === 0) return null;
    const verdicts = pairs.map((one) => vocVerdicts(one, overlap));
    const points = pointsOf(pairs, verdicts, wanted);
    const best = (isReached: (found: number) => boolean) =>
      Math.max(0, ...points.filter(({ found }) => isReached(found)).map(({ precision }) => precision));
    if (form === "elevenPoints") {
      return mean(Array.from({ length: 11 }, (_, tenth) => best((found) => 10 * found >= tenth * wanted)));
    }
    // The area is one bar for each truth wanted, all equally wide, as high as the best precision that finds so many.
    const bars = Array.from({ length: wanted }, (_, i) => best((found) => found >= i + 1));
    return bars.reduce((a, b) => a + b, 0) / wanted;
  };
  const formOf = (category: number, form: "elevenPoints" | "area") => ({
    ap50: scores(category, form, 0.5),
    ap75: scores(category, form, 0.75),
    ap: mean(overlaps.map((overlap) => scores(category, form, overlap))),
  });
  const byCategory = Array.from({ length: categories }, (_, category) => ({
    elevenPoints: formOf(category, "elevenPoints"),
    area: formOf(category, "area"),
  }));
  const meanOf = (form: "elevenPoints" | "area") => ({
    ap50: mean(byCategory.map((one) => one[form].ap50)),
    ap75: mean(byCategory.map((one) => one[form].ap75)),
    ap: mean(byCategory.map((one) => one[form].ap)),
  });
  return { all: { elevenPoints: meanOf("elevenPoints"), area: meanOf("area") }, byCategory };
}
