/** Chooses what the settings leave to the photos: sizes of photos and anchors, and how long a detector is trained. */
import type { AnnotatedPhoto } from "../../data/samples/objects.js";
import { resizedSize } from "../../detection/resize.js";
import { mostSide } from "../../detection/settings.js";
import type { ChosenDetectConfig, DetectConfig } from "./settings.js";

/** The inputs of a recipe. */
export interface Situation {
  /** At least one. */
  readonly photos: readonly Pick<AnnotatedPhoto, "height" | "width" | "objects">[];
  /** Pixels per place of the encoder's levels, from fine to coarse. */
  readonly strides: readonly number[];
}

/** The settings with everything chosen, and a sentence for each choice. */
export interface DetectRecipe {
  readonly config: ChosenDetectConfig;
  readonly why: readonly string[];
}

/** Shorter sides are multiples of it, as batches are padded to it. */
const unit = 32;
/** torchvision's and Detectron2's shorter side: more was never asked for here. */
const largestSide = 800;
/** Photos of small objects become at most so many times as large. */
const mostEnlarged = 2;
/** A photo that is longer than twice its width does not decide how much memory a batch takes. */
const longestShape = 2;
/** Sizes of anchors at C4's one level, as torchvision's and Detectron2's. */
const c4Anchors = 5;
/** Smallest side of an anchor in pixels, and how far apart the smallest and the largest are at least. */
const [leastAnchor, leastSpread] = [4, 2];
/** Steps that `epochs: auto` is to have, so that few photos are seen more often. */
const usualSteps = 2000;
const [fewestEpochs, mostEpochs] = [12, 200];

/** Chooses what is `auto`; the same photos and settings give the same. */
export function chooseByPhotos(config: DetectConfig, { photos, strides }: Situation): DetectRecipe {
  const { detection, train } = config;
  const why: string[] = [];
  const say = (setting: string, sentence: string) => why.push(`${sentence} (${setting})`);

  let shortSides = detection.shortSides;
  if (shortSides === "auto") {
    const native = quantile(photos.map(shortSideOf), 0.5);
    const least = 2 * (detection.design === "fpn" ? strides[0] : strides[strides.length - 2]);
    const side = chooseSide(photos, native, least);
    shortSides = [side];
    const enlarged = side > native + unit / 2;
    const reason = enlarged
      ? `nine of ten objects should have ${least} px or more, two places of the finest feature map that is looked at, up to ${mostEnlarged} times the photos' size`
      : `half of the photos have a shorter side of ${native} px or more${native > largestSide ? `; more than ${largestSide} px takes too long` : ""}`;
    say("detection.shortSides", `Photos become ${side} px on their shorter side: ${reason}.`);
  }
  const shortSide = shortSides[shortSides.length - 1];

  let longSide = detection.longSide;
  if (longSide === "auto") {
    const shape = Math.min(longestShape, quantile(photos.map(shapeOf), 0.95));
    // Less than a thousandth of a unit is rounding.
    longSide = Math.min(mostSide, Math.ceil((Math.max(...shortSides) * shape) / unit - 1e-3) * unit);
    const sentence = `At most ${longSide} px on their longer side: 95 of 100 photos are at most ${shape.toFixed(2)} times as long as wide, or count as that.`;
    say("detection.longSide", sentence);
  }

  let anchorSizes = detection.anchorSizes;
  if (anchorSizes === "auto") {
    const sides = sidesOfObjects(
      photos,
      (photo) => resizedSize(photo, shortSide, longSide).width / photo.width,
    );
    const count = detection.design === "fpn" ? strides.length + 1 : c4Anchors;
    const [low, high] =
      sides.length === 0
        ? [32, 512].map((side) => (side * shortSide) / largestSide)
        : [quantile(sides, 0.05), quantile(sides, 0.95)];
    anchorSizes = spreadSizes(low, high, count);
    const reason =
      sides.length === 0
        ? "torchvision's, as no photo shows an object"
        : `nine of ten objects have a side of ${Math.round(low)} to ${Math.round(high)} px in such photos`;
    say("detection.anchorSizes", `Anchors of ${anchorSizes.join(", ")} px: ${reason}.`);
  }

  let { epochs } = train;
  if (epochs === "auto" && train.steps === undefined) {
    const perEpoch = Math.max(1, Math.floor(photos.length / train.batchSize));
    epochs = Math.min(mostEpochs, Math.max(fewestEpochs, Math.round(usualSteps / perEpoch)));
    const steps = epochs * perEpoch;
    say(
      "train.epochs",
      `${epochs} epochs, ${steps} steps: about ${usualSteps}, but ${fewestEpochs} to ${mostEpochs} epochs.`,
    );
  }
  return {
    config: {
      ...config,
      detection: { ...detection, shortSides, longSide, anchorSizes },
      train: { ...train, epochs },
    },
    why,
  };
}

const shortSideOf = ({ height, width }: { height: number; width: number }) => Math.min(height, width);
const shapeOf = ({ height, width }: { height: number; width: number }) =>
  Math.max(height, width) / Math.min(height, width);

/** The photos' own, larger where nine of ten objects would have less than `least` pixels. */
function chooseSide(photos: Situation["photos"], native: number, least: number): number {
  const usual = Math.min(native, largestSide);
  const sides = sidesOfObjects(photos, (photo) => usual / shortSideOf(photo));
  const small = sides.length === 0 ? least : quantile(sides, 0.1);
  const factor = Math.min(mostEnlarged, Math.max(1, least / small));
  const side = Math.round((usual * factor) / unit) * unit;
  return Math.min(largestSide, Math.max(unit, side));
}

/** Sides of squares of the objects' areas, crowds left out, in photos of another size. */
function sidesOfObjects(
  photos: Situation["photos"],
  scaleOf: (photo: Situation["photos"][number]) => number,
): number[] {
  return photos.flatMap((photo) => {
    const scale = scaleOf(photo);
    return photo.objects
      .filter(({ isCrowd }) => !isCrowd)
      .map(({ box: [left, top, right, bottom] }) => scale * Math.sqrt((right - left) * (bottom - top)));
  });
}

/** Whole numbers, ascending, each as many times the one before: no size between is far from all. */
function spreadSizes(low: number, high: number, count: number): number[] {
  const middle = Math.sqrt(low * high);
  const first = Math.max(leastAnchor, Math.min(low, middle / Math.sqrt(leastSpread)));
  const last = Math.max(first * leastSpread, high);
  return Array.from({ length: count }, (_, i) =>
    Math.round(first * (last / first) ** (i / Math.max(1, count - 1))),
  );
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))];
}
