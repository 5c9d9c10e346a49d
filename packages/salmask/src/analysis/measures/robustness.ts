import { scope, type Tensor } from "@salmask/torch";
import { spread } from "../../base/spread.js";
import { type Corruption, corruptions } from "../../image/corruptions.js";
import { decide } from "../decisions.js";
import type { Encoder } from "../encoders.js";
import type { Material, Tick } from "../material.js";
import type { LinesPlot, MeasureSheet } from "../measured.js";
import type { PhotoSample } from "../photos.js";
import { centralPictures } from "../pictures/central.js";
import { rgb } from "../pictures/shown.js";
import { accuracyOf, meanOf } from "./common.js";
import type { Measure } from "./measure.js";

const shownPhotos = 4;
const strengthsInAll = corruptions.reduce((sum, { strengths }) => sum + strengths.length, 0);

export const robustness: Measure = {
  shows:
    "What is left of a linear probe's accuracy when photos get noisy, blurred or pale, or lose their fine or their coarse structure: means over the strengths.",
  source:
    "Hendrycks and Dietterich 2019, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations (noise, blur, contrast); Yin et al. 2019, A Fourier Perspective on Model Robustness (frequencies)",
  needs: ["classes"],
  async compute(material) {
    const { encoders, photos } = material;
    const { scored } = photos;
    await material.lookWithAll();
    const tick = material.begin("robustness", encoders.length * scored.ids.length * strengthsInAll);
    const curves: { readonly name: string; readonly clean: number; readonly shares: number[][] }[] = [];
    for (const encoder of encoders) {
      const { classifier } = await material.learned(encoder);
      const { features, labels } = await material.scored(encoder);
      const clean = accuracyOf(classifier, features, labels);
      const shares: number[][] = [];
      for (const corruption of corruptions)
        shares.push(await sharesUnder(corruption, encoder, material, tick));
      curves.push({ name: encoder.name, clean, shares });
    }
    return {
      tables: [
        {
          title: null,
          columns: ["clean", ...corruptions.map(({ name }) => name)].map((title) => ({
            title,
            kind: "share",
          })),
          rows: curves.map(({ name, clean, shares }) => ({ name, values: [clean, ...shares.map(meanOf)] })),
        },
      ],
      plots: corruptions.map(
        ({ name, unit, strengths }, i): LinesPlot => ({
          kind: "lines",
          title: `Accuracy under ${name}`,
          x: { title: `${name}: ${unit}`, values: ["clean", ...strengths.map((value) => String(value))] },
          y: { title: "top-1", kind: "share" },
          series: curves.map((curve) => ({ name: curve.name, values: [curve.clean, ...curve.shares[i]] })),
        }),
      ),
      sheets: [sheetOf(scored, encoders[0].crop, material.seed)],
      notes: [
        `Of ${scored.ids.length} photos; the probe learned from clean ones. An encoder of filtered photos sees spoilt photos through its filter.`,
      ],
    };
  },
};

/** Accuracy at each strength, from mild to strong. */
async function sharesUnder(
  corruption: Corruption,
  encoder: Encoder,
  material: Material,
  tick: Tick,
): Promise<number[]> {
  const { scored } = material.photos;
  const { classifier } = await material.learned(encoder);
  const shares: number[] = [];
  for (const strength of corruption.strengths) {
    using features = await material.features(encoder, scored.ids.length, tick, (rows) =>
      spoilt(scored, rows, { corruption, strength, crop: encoder.crop, seed: material.seed }),
    ); // [n, outChannels]
    shares.push(accuracyOf(classifier, features, scored.labels));
  }
  return shares;
}

interface Spoiling {
  readonly corruption: Corruption;
  readonly strength: number;
  readonly crop: number;
  readonly seed: number;
}

/** `[rows, 3, crop, crop]` in [0, 1]. A photo's noise is the same at all strengths, but for its factor. */
function spoilt(
  sample: PhotoSample,
  rows: Int32Array,
  { corruption, strength, crop, seed }: Spoiling,
): Tensor {
  const seeds = Array.from(rows, (row) => decide(seed, "corruption", sample.ids[row]).uint32());
  return scope(() => corruption.apply(centralPictures(sample, rows, crop), strength, seeds));
}

/** Photos at the middle strength of each corruption. */
function sheetOf(sample: PhotoSample, crop: number, seed: number): MeasureSheet {
  const rows = spread(sample.ids.length, shownPhotos);
  const shown = (pictures: Tensor) => Array.from(rows, (_, i) => rgb(pictures.select(0, i)));
  return scope(() => ({
    title: "Corruptions at their middle strength",
    columns: [
      { title: "clean", pictures: shown(centralPictures(sample, rows, crop)) },
      ...corruptions.map((corruption) => {
        const strength = corruption.strengths[Math.floor(corruption.strengths.length / 2)];
        const pictures = spoilt(sample, rows, { corruption, strength, crop, seed });
        return { title: `${corruption.name} ${strength}`, pictures: shown(pictures) };
      }),
    ],
  }));
}
