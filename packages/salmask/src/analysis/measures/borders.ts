import { nn, noGrad, scope, type Tensor } from "@salmask/torch";
import { UsageError } from "../../base/errors.js";
import { spread } from "../../base/spread.js";
import { onCpu, runLayers } from "../../compute/compute.js";
import { normalize } from "../../image/normalize.js";
import { cellsOnly, type Fill } from "../../masking/fills/fill.js";
import { fillOf } from "../../masking/fills/registry.js";
import { type Grid, maskGrid } from "../../masking/grid.js";
import { maskCrops } from "../../masking/mask.js";
import { maskPixels } from "../../masking/pixels.js";
import { fillNames, maskSettings } from "../../masking/settings.js";
import {
  changeResponse,
  type FirstFilters,
  meanOfSums,
  type PlaceSum,
  relativeShift,
  sumAt,
  windowPlaces,
} from "../../metrics/border-response.js";
import type { Backbone } from "../../models/backbone.js";
import { decide } from "../decisions.js";
import type { Encoder } from "../encoders.js";
import type { Material, Tick } from "../material.js";
import type { BarsPlot, MeasureSheet, NamedValues, Picture } from "../measured.js";
import { centralPictures } from "../pictures/central.js";
import { heat, seenBy } from "../pictures/shown.js";
import { meanOf } from "./common.js";
import type { Measure } from "./measure.js";

/** Share of the cells that are masked: the most that a query loses in the paper. */
const ratio = 0.25;
const shownPhotos = 3;

/** Every fill that changes pixels, with the paper's settings and whole cells. */
const fills: readonly Fill[] = fillNames
  .filter((name) => name !== "none" && name !== "hidden")
  .map((fill) => ({ ...fillOf(maskSettings.parse({ fill })), shapes: cellsOnly }));

export const borders: Measure = {
  shows:
    "How much of an edge masks make: the response of the first layer's filters at the borders of masked cells, for every fill, and how far masks move the features of the first level.",
  source:
    "Parasitic edges, as in Jing, Zhu and LeCun 2022, Masked Siamese ConvNets, and Chin et al. 2024, Masking Improves Contrastive Self-Supervised Learning for ConvNets, and Saliency Tells You Where",
  needs: [],
  async compute(material) {
    const { encoders, photos } = material;
    const tick = material.begin("borders", encoders.length * fills.length * photos.scored.ids.length);
    const found: { readonly name: string; readonly answers: readonly Answer[] }[] = [];
    const sheets: MeasureSheet[] = [];
    const notes = [
      `${(100 * ratio).toFixed(0)} % of the cells are masked at random, the same for all fills. A filter's window is at a border where it holds masked and unmasked pixels, and inside where it holds only one kind; windows over the picture's edge do not count.`,
      "The filters are those of the first convolution that sees pixels, each less its mean, so that they answer to changes and not to brightness. Each fill prepares photos as in training (high-pass filters them).",
    ];
    for (const encoder of encoders) {
      const { name, backbone } = encoder;
      const [grid, first] = [gridOf(encoder), firstLayerOf(backbone)];
      if (grid === null || first === null) {
        const why =
          grid === null ? "its pictures are no whole number of cells" : "no convolution sees pixels";
        notes.push(`${name} could not be measured: ${why}.`);
        found.push({ name, answers: fills.map(() => nothing) });
        continue;
      }
      const answers: Answer[] = [];
      for (const fill of fills) answers.push(await answerTo(fill, { encoder, grid, first, material, tick }));
      found.push({ name, answers });
      sheets.push(sheetOf({ encoder, grid, first, material }));
    }
    const columns = fills.map(({ name }) => ({ title: name, kind: "number" }) as const);
    const rowsOf = (of: keyof Answer): NamedValues[] =>
      found.map(({ name, answers }) => ({ name, values: answers.map((answer) => answer[of]) }));
    return {
      tables: [
        {
          title: "response at borders, times that of the same windows without a mask",
          columns,
          rows: rowsOf("toUnmasked"),
        },
        { title: "response at borders, times that inside", columns, rows: rowsOf("toInside") },
        { title: "shift of the first level's features, times their length", columns, rows: rowsOf("shift") },
      ],
      plots: [
        barsOf("Response at borders", "times without a mask", rowsOf("toUnmasked")),
        barsOf("Shift of the first level's features", "times their length", rowsOf("shift")),
      ],
      sheets,
      notes,
    };
  },
};

/** What a first layer says of one fill. */
interface Answer {
  readonly toUnmasked: number | null;
  readonly toInside: number | null;
  readonly shift: number | null;
}

const nothing: Answer = { toUnmasked: null, toInside: null, shift: null };

/** The first convolution with three input channels, in the order of the network's parts; null where there is none. */
function firstLayerOf(backbone: Backbone): FirstFilters | null {
  for (const [, layer] of backbone.namedModules()) {
    if (!(layer instanceof nn.Conv2d)) continue;
    const [, channels, kernel] = layer.weight.shape;
    const { stride, padding } = layer.geometry;
    if (channels === 3) return { weight: layer.weight, kernel, stride, padding };
  }
  return null;
}

/** Null where the pictures are no whole number of cells. */
function gridOf({ crop, backbone, cells }: Encoder): Grid | null {
  try {
    return maskGrid(crop, backbone.stride, cells);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

interface Asked {
  readonly encoder: Encoder;
  readonly grid: Grid;
  readonly first: FirstFilters;
  readonly material: Material;
}

/** Photos with and without masks, and where the masks are. */
interface MaskedBatch {
  /** `[rows, 3, crop, crop]` */
  readonly clean: Tensor;
  readonly masked: Tensor;
  /** `[rows, 1, crop, crop]`, 1 where pixels are masked. */
  readonly mask: Tensor;
}

function maskedBatch(fill: Fill, rows: Int32Array, { encoder, grid, material }: Asked): MaskedBatch {
  const { scored } = material.photos;
  return noGrad(() =>
    scope(() => {
      const clean = fill.prepare(normalize(centralPictures(scored, rows, encoder.crop)));
      const ids = Int32Array.from(rows, (row) => scored.ids[row]);
      const key = { seed: decide(material.seed, "masks").uint32(), epoch: 0, ids, view: 0 };
      const options = { fill, grid, cells: "random", role: "positive", ratio: [ratio, ratio] } as const;
      const { pixels, draw } = maskCrops(clean, null, key, options);
      const mask = maskPixels(draw, grid, "cpu").to({ dtype: "float32" }); // [rows, 1, crop, crop]
      return { clean, masked: pixels, mask };
    }),
  );
}

async function answerTo(fill: Fill, asked: Asked & { readonly tick: Tick }): Promise<Answer> {
  const { encoder, first, material, tick } = asked;
  const parts = await material.inBatches(material.photos.scored.ids.length, tick, (rows) =>
    scope(() => {
      const { clean, masked, mask } = maskedBatch(fill, rows, asked);
      const { border, inside } = windowPlaces(mask, first);
      const response = changeResponse(masked, first); // [rows, 1, h, w]
      const level = (pictures: Tensor) =>
        noGrad(() => runLayers(onCpu, pictures, (seen) => encoder.backbone.pyramid(seen, 1)[0]));
      return {
        border: sumAt(response, border),
        unmasked: sumAt(changeResponse(clean, first), border),
        inside: sumAt(response, inside),
        shifts: relativeShift(level(clean), level(masked)),
      };
    }),
  );
  const mean = (of: "border" | "unmasked" | "inside") => meanOfSums(parts.map((part): PlaceSum => part[of]));
  return {
    toUnmasked: quotient(mean("border"), mean("unmasked")),
    toInside: quotient(mean("border"), mean("inside")),
    shift: meanOf(parts.flatMap(({ shifts }) => shifts)),
  };
}

const quotient = (a: number | null, b: number | null) => (a === null || b === null || b === 0 ? null : a / b);

function barsOf(title: string, unit: string, series: readonly NamedValues[]): BarsPlot {
  const groups = fills.map(({ name }) => name);
  return { kind: "bars", title, groups, y: { title: unit, kind: "number" }, series };
}

/** Some photos under each fill, and the responses to them. */
function sheetOf(asked: Asked): MeasureSheet {
  const { encoder, first, material } = asked;
  const rows = spread(material.photos.scored.ids.length, shownPhotos);
  const pairs = fills.map((fill) =>
    scope(() => {
      const { masked } = maskedBatch(fill, rows, asked);
      const responses = changeResponse(masked, first); // [rows, 1, h, w]
      const each = (picture: (row: number) => Picture) => Array.from(rows, (_, row) => picture(row));
      return [
        {
          title: fill.name,
          pictures: each((row) => seenBy(masked.select(0, row), fill.name === "high-pass")),
        },
        { title: "response", pictures: each((row) => heat(responses.select(0, row).squeeze(0))) },
      ];
    }),
  );
  return { title: `First layer's response, ${encoder.name}`, columns: pairs.flat() };
}
