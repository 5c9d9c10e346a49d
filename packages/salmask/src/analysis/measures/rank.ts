import { effectiveRank } from "../../metrics/embedding-stats.js";
import type { Measure } from "./measure.js";

export const rank: Measure = {
  shows:
    "How many directions the features of photos use, of those that they have: a collapsed encoder uses few.",
  source:
    "Garrido et al. 2023, RankMe: Assessing the Downstream Performance of Pretrained Self-Supervised Representations by Their Rank",
  needs: [],
  async compute(material) {
    const rows = [];
    for (const encoder of material.encoders) {
      const { features } = await material.scored(encoder);
      rows.push({ name: encoder.name, values: [effectiveRank(features), encoder.backbone.outChannels] });
    }
    const photos = material.photos.scored.ids.length;
    return {
      tables: [
        {
          title: null,
          columns: [
            { title: "effective rank", kind: "number" },
            { title: "features", kind: "count" },
          ],
          rows,
        },
      ],
      plots: [],
      sheets: [],
      notes: [`${photos} photos cannot use more than ${photos} directions.`],
    };
  },
};
