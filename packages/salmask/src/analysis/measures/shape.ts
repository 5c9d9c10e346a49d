import { scope, type Tensor } from "@salmask/torch";
import { IMAGENET_NORMALIZATION } from "../../image/normalize.js";
import { type LinearClassifier, linearScores } from "../../metrics/linear-fast.js";
import { decide } from "../decisions.js";
import type { BarsPlot, MeasureSheet, NamedValues } from "../measured.js";
import type { ObjectPicture } from "../pictures/backgrounds.js";
import { objectPictures } from "../pictures/objects.js";
import { largestSquare, outlined, type Square, tiled } from "../pictures/textures.js";
import { accuracyOf } from "./common.js";
import { type InKinds, ofKind, sheetOfKinds } from "./kinds.js";
import type { Measure } from "./measure.js";

/** Of the patches that textures are taken from, as a share of the picture's side. */
const leastPatch = 1 / 16;

const kinds = ["conflict", "outline alone", "texture alone"] as const;
type Kind = (typeof kinds)[number];

interface Conflict extends InKinds<Kind> {
  readonly shape: number;
  readonly texture: number;
}

export const shape: Measure = {
  shows:
    "Whether an encoder goes by shape or by texture: what a linear probe says of the outline of one class filled with a patch of another.",
  source:
    "After Geirhos et al. 2019, ImageNet-trained CNNs are biased towards texture; increasing shape bias improves accuracy and robustness",
  needs: ["classes", "masks"],
  async compute(material) {
    const { encoders, photos } = material;
    const count = photos.scored.ids.length;
    await material.lookWithAll();
    const tick = material.begin("shape", encoders.length * count * (1 + kinds.length));
    const rows: NamedValues[] = [];
    const sheets: MeasureSheet[] = [];
    let made = 0;
    for (const encoder of encoders) {
      const { crop, name } = encoder;
      const { classifier } = await material.learned(encoder);
      const objects = await objectPictures(material, crop, tick);
      const conflicts = conflictsOf(objects, photos.scored.labels, material.seed);
      made = conflicts.length;
      if (made === 0) {
        rows.push({ name, values: [null, null, null, null, null] });
        continue;
      }
      if (sheets.length === 0)
        sheets.push(sheetOfKinds("Conflicts of shape and texture", kinds, conflicts, crop));
      const featuresOf = (kind: Kind) =>
        material.features(encoder, made, tick, ofKind(conflicts, kind, crop));
      using mixed = await featuresOf("conflict"); // [conflicts, outChannels]
      using outlines = await featuresOf("outline alone");
      using textures = await featuresOf("texture alone");
      const { byShape, byTexture } = decisionsOf(classifier, mixed, conflicts);
      const decided = byShape + byTexture;
      const shapes = Int32Array.from(conflicts, (conflict) => conflict.shape);
      const fills = Int32Array.from(conflicts, (conflict) => conflict.texture);
      rows.push({
        name,
        values: [
          decided === 0 ? null : byShape / decided,
          byShape / made,
          byTexture / made,
          accuracyOf(classifier, outlines, shapes),
          accuracyOf(classifier, textures, fills),
        ],
      });
    }
    const titles = ["shape bias", "says the shape", "says the texture", "outline alone", "texture alone"];
    return {
      tables: [{ title: null, columns: titles.map((title) => ({ title, kind: "share" })), rows }],
      plots: [barsOf(titles, rows)],
      sheets,
      notes: [
        `Of ${made} conflicts, one for each photo whose object holds a patch that is large enough to be a texture. The shape bias is the share of shape among those answers that are shape or texture.`,
        `Where outlines alone and textures alone are read no better than by chance (${(100 / photos.classes.length).toFixed(1)} %), the shape bias says nothing.`,
      ],
    };
  },
};

function decisionsOf(
  classifier: LinearClassifier,
  features: Tensor,
  conflicts: readonly Conflict[],
): { readonly byShape: number; readonly byTexture: number } {
  const said = scope(() => linearScores(classifier, features).argmax({ dim: 1 }).toArray());
  const count = (of: "shape" | "texture") => said.filter((label, i) => label === conflicts[i][of]).length;
  return { byShape: count("shape"), byTexture: count("texture") };
}

/** One conflict for each photo with a shape; its texture is drawn among those of other classes. */
function conflictsOf(objects: readonly ObjectPicture[], labels: Int32Array, seed: number): Conflict[] {
  const withPatch = objects.flatMap((picture, photo) => {
    const patch = largestSquare(picture);
    const isLarge = patch !== null && patch.side >= Math.max(2, leastPatch * picture.side);
    return isLarge ? [{ picture, patch, photo, label: labels[photo] }] : [];
  });
  return withPatch.flatMap((shape) => {
    const others = withPatch.filter(({ label }) => label !== shape.label);
    if (others.length === 0) return [];
    const texture = others[decide(seed, "texture", shape.photo).integer(others.length)];
    return [conflictOf(shape, texture)];
  });
}

interface Patched {
  readonly picture: ObjectPicture;
  readonly patch: Square;
  readonly label: number;
}

function conflictOf(shape: Patched, texture: Patched): Conflict {
  const { picture } = shape;
  const ground = IMAGENET_NORMALIZATION.mean;
  const filling = tiled(texture.picture, texture.patch, picture.side); // [3, S, S]
  return {
    shape: shape.label,
    texture: texture.label,
    pictures: {
      conflict: outlined(picture, filling, ground),
      "outline alone": outlined(picture, new Float32Array(filling.length), ground),
      "texture alone": filling,
    },
  };
}

function barsOf(titles: readonly string[], rows: readonly NamedValues[]): BarsPlot {
  return {
    kind: "bars",
    title: "Shape against texture",
    groups: titles,
    y: { title: "share", kind: "share" },
    series: rows,
  };
}
