import { keep, ops, scope, type Tensor } from "@salmask/torch";
import { onCpu, runLayers } from "../../compute/compute.js";
import { centredGram, linearCka } from "../../metrics/cka.js";
import type { Encoder } from "../encoders.js";
import type { Material, Tick } from "../material.js";
import type { HeatPlot } from "../measured.js";
import { asSeenBy, centralPictures } from "../pictures/central.js";
import type { Measure } from "./measure.js";

/** What an encoder makes of the scored photos: level by level, and in the end. */
interface Stages {
  readonly name: string;
  readonly stages: readonly string[];
  /** Float64 `[n, n]` for each stage. */
  readonly grams: readonly Tensor[];
}

export const cka: Measure = {
  shows:
    "How alike two encoders see the same photos: 1 where their features differ only by a rotation and a factor.",
  source: "Kornblith et al. 2019, Similarity of Neural Network Representations Revisited (linear CKA)",
  needs: ["two encoders"],
  async compute(material) {
    const { encoders, photos } = material;
    const tick = material.begin("cka", encoders.length * photos.scored.ids.length);
    const all: Stages[] = [];
    try {
      for (const encoder of encoders) all.push(await stagesOf(encoder, material, tick));
      const outputs = all.map(({ grams }) => grams[grams.length - 1]);
      return {
        tables: [
          {
            title: null,
            columns: all.map(({ name }) => ({ title: name, kind: "number" })),
            rows: all.map(({ name }, i) => ({
              name,
              values: outputs.map((other) => linearCka(outputs[i], other)),
            })),
          },
        ],
        plots: all.flatMap((first, i) => all.slice(i + 1).map((second) => heatOf(first, second))),
        sheets: [],
        notes: [
          "Of the encoders' outputs; the plots compare levels, whose maps are averaged over their positions.",
          `Of ${photos.scored.ids.length} photos: where photos are few for the number of features, unlike features look alike.`,
        ],
      };
    } finally {
      for (const { grams } of all) for (const gram of grams) gram.dispose();
    }
  },
};

async function stagesOf(encoder: Encoder, material: Material, tick: Tick): Promise<Stages> {
  const { backbone, crop, name } = encoder;
  const { scored } = material.photos;
  using outputs = await material.outputs(scored.ids.length, tick, (rows) => {
    const seen = asSeenBy(encoder, centralPictures(scored, rows, crop)); // [rows, 3, crop, crop]
    return runLayers(onCpu, seen, (pictures) => {
      const levels = backbone.pyramid(pictures).map((maps) => maps.mean([2, 3])); // [rows, channels] each
      return ops.cat([...levels, backbone.forward(pictures)], { dim: 1 });
    });
  }); // [n, channels of all levels + outChannels]
  const widths = [...backbone.levels.map(({ channels }) => channels), backbone.outChannels];
  const grams = scope(() => {
    let from = 0;
    return widths.map((width) => {
      const own = outputs.narrow(1, from, width); // [n, width]
      from += width;
      return keep(centredGram(own));
    });
  });
  return { name, stages: [...backbone.levels.map((level) => level.name), "output"], grams };
}

function heatOf(first: Stages, second: Stages): HeatPlot {
  return {
    kind: "heat",
    title: `CKA of ${first.name} and ${second.name}`,
    rows: { title: first.name, names: first.stages },
    columns: { title: second.name, names: second.stages },
    values: first.grams.map((row) => second.grams.map((column) => linearCka(row, column))),
  };
}
