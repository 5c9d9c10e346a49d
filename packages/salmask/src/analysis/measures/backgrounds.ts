import { scope, type Tensor } from "@salmask/torch";
import { countEqual, knnVotes } from "../../metrics/knn.js";
import { decide } from "../decisions.js";
import type { Learned } from "../material.js";
import type { BarsPlot, MeasureSheet, NamedValues, TableColumn } from "../measured.js";
import { backgroundAlone, type ObjectPicture, objectAlone, onBackground } from "../pictures/backgrounds.js";
import { objectPictures } from "../pictures/objects.js";
import { accuracyOf } from "./common.js";
import { type InKinds, ofKind, sheetOfKinds } from "./kinds.js";
import type { Measure } from "./measure.js";

const kinds = ["whole", "object alone", "background alone", "mixed, same class", "mixed, any class"] as const;
type Kind = (typeof kinds)[number];

/** A photo in all kinds. */
interface Variants extends InKinds<Kind> {
  readonly label: number;
}

export const backgrounds: Measure = {
  shows:
    "How much an encoder reads objects and how much their backgrounds: accuracy of probes that learned from whole photos, on photos whose object is gone or whose background is another's.",
  source:
    "Xiao et al. 2020, Noise or Signal: The Role of Image Backgrounds in Object Recognition (Only-FG, Only-BG-T, Mixed-Same, Mixed-Rand, BG-Gap)",
  needs: ["classes", "masks"],
  async compute(material) {
    const { encoders, photos } = material;
    const count = photos.scored.ids.length;
    await material.lookWithAll();
    const tick = material.begin("backgrounds", encoders.length * count * (1 + kinds.length));
    const linear: NamedValues[] = [];
    const knn: NamedValues[] = [];
    const sheets: MeasureSheet[] = [];
    let used = 0;
    for (const encoder of encoders) {
      const { crop, name } = encoder;
      const learned = await material.learned(encoder);
      const variants = variantsOf(
        await objectPictures(material, crop, tick),
        photos.scored.labels,
        material.seed,
      );
      used = variants.length;
      if (used === 0) {
        for (const rows of [linear, knn]) rows.push({ name, values: [...kinds.map(() => null), null] });
        continue;
      }
      if (sheets.length === 0) sheets.push(sheetOfKinds("Objects and backgrounds", kinds, variants, crop));
      const labels = Int32Array.from(variants, ({ label }) => label);
      const shares: { linear: number | null; knn: number | null }[] = [];
      for (const kind of kinds) {
        using features = await material.features(
          encoder,
          variants.length,
          tick,
          ofKind(variants, kind, crop),
        ); // [variants, outChannels]
        shares.push(accuracies(learned, features, labels, photos.classes.length));
      }
      linear.push({ name, values: withGap(shares.map((share) => share.linear)) });
      knn.push({ name, values: withGap(shares.map((share) => share.knn)) });
    }
    const columns: TableColumn[] = [...kinds, "gap"].map((title) => ({ title, kind: "share" }));
    return {
      tables: [
        { title: "linear probe", columns, rows: linear },
        { title: "kNN", columns, rows: knn },
      ],
      plots: [barsOf(linear)],
      sheets,
      notes: [
        ...(used === count
          ? []
          : [`Of ${used} of ${count} photos: the others show no object, or nothing but the object.`]),
        "The gap is what backgrounds of the right class are worth: accuracy on a background of the photo's class less that mixed, any class.",
      ],
    };
  },
};

const withGap = (shares: readonly (number | null)[]) => {
  const [same, any] = shares.slice(-2);
  return [...shares, same === null || any === null ? null : same - any];
};

function accuracies(
  { classifier, features: known }: Learned,
  features: Tensor,
  labels: Int32Array,
  classes: number,
): { readonly linear: number; readonly knn: number } {
  return scope(() => {
    const votes = knnVotes(known, features, classes); // [variants, classes]
    return {
      linear: accuracyOf(classifier, features, labels),
      knn: countEqual(votes.argmax({ dim: 1 }), labels) / labels.length,
    };
  });
}

/** Photos that have both an object and a background, in all kinds; other backgrounds are drawn among theirs. */
function variantsOf(objects: readonly ObjectPicture[], labels: Int32Array, seed: number): Variants[] {
  const usable = objects.flatMap((picture, photo) => {
    const background = backgroundAlone(picture);
    return background === null ? [] : [{ picture, background, photo, label: labels[photo] }];
  });
  return usable.map(({ picture, background, photo, label }) => {
    const random = decide(seed, "background", photo);
    const others = usable.filter((other) => other.photo !== photo);
    const drawn = (from: typeof usable) =>
      from.length === 0 ? background : from[random.integer(from.length)].background;
    return {
      label,
      pictures: {
        whole: picture.pixels,
        "object alone": objectAlone(picture),
        "background alone": background,
        "mixed, same class": onBackground(picture, drawn(others.filter((other) => other.label === label))),
        "mixed, any class": onBackground(picture, drawn(others)),
      },
    };
  });
}

function barsOf(series: readonly NamedValues[]): BarsPlot {
  return {
    kind: "bars",
    title: "Objects and backgrounds, linear probe",
    groups: kinds,
    y: { title: "top-1", kind: "share" },
    series: series.map(({ name, values }) => ({ name, values: values.slice(0, kinds.length) })),
  };
}
