import type { Tensor } from "@salmask/torch";
import { onCpu, runLayers } from "../../compute/compute.js";
import { embeddingStats } from "../../metrics/embedding-stats.js";
import { unitRows } from "../../models/encoder.js";
import { drawView } from "../../views/draw.js";
import { renderView } from "../../views/render.js";
import { decide } from "../decisions.js";
import type { Encoder } from "../encoders.js";
import type { Material, Tick } from "../material.js";
import type { Measure } from "./measure.js";

export const alignment: Measure = {
  shows:
    "How close two views of one photo lie (alignment, 0 is best) and how evenly photos cover the sphere (uniformity, lower is more even): good features have both.",
  source:
    "Wang and Isola 2020, Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere",
  needs: [],
  async compute(material) {
    const { encoders, photos } = material;
    const tick = material.begin("alignment", 2 * encoders.length * photos.scored.ids.length);
    const rows = [];
    for (const encoder of encoders) {
      using first = await viewsOf(encoder, 0, material, tick); // [n, outChannels]
      using second = await viewsOf(encoder, 1, material, tick); // [n, outChannels]
      const { alignment, uniformity } = embeddingStats(first, second);
      rows.push({ name: encoder.name, values: [alignment, uniformity] });
    }
    return {
      tables: [
        {
          title: null,
          columns: [
            { title: "alignment", kind: "number" },
            { title: "uniformity", kind: "number" },
          ],
          rows,
        },
      ],
      plots: [],
      sheets: [],
      notes: [
        "Of the backbone's features, scaled to length one, under MoCo v2's augmentation without masks; the projector of the training is not part of a run's weights.",
      ],
    };
  },
};

/** Features of length one of each scored photo's view of a number, `[n, outChannels]`; the caller owns them. */
function viewsOf(
  { backbone, crop, fill }: Encoder,
  view: number,
  material: Material,
  tick: Tick,
): Promise<Tensor> {
  const { dataset, ids } = material.photos.scored;
  const seed = decide(material.seed, "views").uint32();
  return material.outputs(ids.length, tick, (rows) => {
    const own = Int32Array.from(rows, (row) => ids[row]);
    const draw = drawView({ seed, epoch: 0, view }, own, dataset.originalSizes, dataset.size);
    const seen = fill.prepare(renderView(dataset.images(own), draw, { crop })); // [rows, 3, crop, crop]
    return unitRows(runLayers(onCpu, seen, (pictures) => backbone.forward(pictures)));
  });
}
