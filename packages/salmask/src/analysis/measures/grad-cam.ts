import { ops, scope, type Tensor } from "@salmask/torch";
import { spread } from "../../base/spread.js";
import { onCpu, runLayers } from "../../compute/compute.js";
import { type CamScores, camScores, gradCam } from "../../metrics/grad-cam.js";
import { disposeClassifier, type LinearClassifier, learnLinear } from "../../metrics/linear-fast.js";
import type { Encoder } from "../encoders.js";
import { type Material, type Tick, withMasks } from "../material.js";
import type { MeasureSheet, Picture } from "../measured.js";
import { asSeenBy, centralMasks, centralPictures } from "../pictures/central.js";
import { heat, rgb } from "../pictures/shown.js";
import { meanOf } from "./common.js";
import type { Measure } from "./measure.js";

const shownPhotos = 6;

export const gradCamEnergy: Measure = {
  shows:
    "How much of what speaks for a photo's class lies on its object: the share of Grad-CAM's sum, and how often its peak does.",
  source:
    "Selvaraju et al. 2017, Grad-CAM; the energy in the object as in Wang et al. 2020, Score-CAM; the peak as in Zhang et al. 2016 (pointing game)",
  needs: ["classes", "masks"],
  async compute(material) {
    const { encoders, photos } = material;
    const { learned, scored, classes } = photos;
    if (learned === null) throw new TypeError("Expected photos with classes, got photos without.");
    const tick = material.begin("grad-cam", encoders.length * (learned.ids.length + scored.ids.length));
    const rows = [];
    const cams: { readonly title: string; readonly pictures: readonly Picture[] }[] = [];
    let without = 0;
    for (const encoder of encoders) {
      const { crop } = encoder;
      using features = await material.outputs(learned.ids.length, tick, (batch) =>
        mapsOf(encoder, centralPictures(learned, batch, crop)).mean([2, 3]),
      ); // [N, outChannels]
      const classifier = learnLinear({ features, labels: learned.labels }, classes.length, material.seed);
      try {
        const scores = await scoresOf(encoder, classifier, material, tick);
        const seen = scores.filter(({ area }) => area > 0);
        without = Math.max(without, scores.length - seen.length);
        const energy = seen.flatMap((score) => score.energy ?? []);
        const hits = seen.flatMap(({ isHit }) => (isHit === null ? [] : [Number(isHit)]));
        const areas = seen.map(({ area }) => area);
        rows.push({ name: encoder.name, values: [meanOf(energy), meanOf(hits), meanOf(areas)] });
        cams.push({ title: encoder.name, pictures: shownCams(encoder, classifier, material) });
      } finally {
        disposeClassifier(classifier);
      }
    }
    return {
      tables: [
        {
          title: null,
          columns: [
            { title: "energy on the object", kind: "share" },
            { title: "peak on the object", kind: "share" },
            { title: "area of the object", kind: "share" },
          ],
          rows,
        },
      ],
      plots: [],
      sheets: [sheetOf(material, cams)],
      notes: [
        "Of a linear classifier on the last level's maps, averaged over their positions, for each photo's true class. A map without a preference has as much energy on the object as the object has area.",
        ...(without === 0 ? [] : [`${without} photos whose crop shows nothing of the object are left out.`]),
      ],
    };
  },
};

/** `[B, 3, crop, crop]` in [0, 1] to the last level's maps, `[B, outChannels, h, w]`. */
function mapsOf(encoder: Encoder, pictures: Tensor): Tensor {
  return runLayers(onCpu, asSeenBy(encoder, pictures), (seen) => encoder.backbone.features(seen));
}

/** Maps as large as the pictures, `[B, crop, crop]`. */
function camsOf(
  encoder: Encoder,
  classifier: LinearClassifier,
  pictures: Tensor,
  labels: Int32Array,
): Tensor {
  const { crop } = encoder;
  return scope(() => {
    const cams = gradCam(mapsOf(encoder, pictures), classifier, labels).unsqueeze(1); // [B, 1, h, w]
    return ops.upsampleBilinear2d(cams, [crop, crop], false).squeeze(1); // [B, crop, crop]
  });
}

const labelsAt = ({ photos }: Material, rows: Int32Array) =>
  Int32Array.from(rows, (row) => photos.scored.labels[row]);

async function scoresOf(
  encoder: Encoder,
  classifier: LinearClassifier,
  material: Material,
  tick: Tick,
): Promise<CamScores[]> {
  const { photos, masks } = withMasks(material);
  const parts = await material.inBatches(photos.scored.ids.length, tick, (rows) =>
    scope(() => {
      const pictures = centralPictures(photos.scored, rows, encoder.crop); // [rows, 3, crop, crop]
      const cams = camsOf(encoder, classifier, pictures, labelsAt(material, rows)); // [rows, crop, crop]
      return camScores(cams, centralMasks(photos, masks, rows, encoder.crop));
    }),
  );
  return parts.flat();
}

function shownCams(encoder: Encoder, classifier: LinearClassifier, material: Material): Picture[] {
  const { scored } = material.photos;
  const rows = spread(scored.ids.length, shownPhotos);
  return scope(() => {
    const pictures = centralPictures(scored, rows, encoder.crop); // [rows, 3, crop, crop]
    const cams = camsOf(encoder, classifier, pictures, labelsAt(material, rows)); // [rows, crop, crop]
    return Array.from(rows, (_, i) => heat(cams.select(0, i)));
  });
}

function sheetOf(material: Material, cams: MeasureSheet["columns"]): MeasureSheet {
  const { photos, masks } = withMasks(material);
  const rows = spread(photos.scored.ids.length, shownPhotos);
  const [{ crop }] = material.encoders;
  return scope(() => {
    const pictures = centralPictures(photos.scored, rows, crop); // [rows, 3, crop, crop]
    const objects = centralMasks(photos, masks, rows, crop); // [rows, crop, crop]
    const each = <T>(of: (i: number) => T) => Array.from(rows, (_, i) => of(i));
    return {
      title: "Grad-CAM",
      columns: [
        { title: "photo", pictures: each((i) => rgb(pictures.select(0, i))) },
        { title: "object", pictures: each((i) => heat(objects.select(0, i), 1)) },
        ...cams,
      ],
    };
  });
}
