/** What looks at proposals, as `detection/roi-heads.ts` computes it in evaluation. */
import type { DetectionSettings } from "../../../detection/settings.js";
import { elementTypeCode, type Value } from "../graph.js";
import type { Layers } from "../layers.js";
import { bestOf, clipped, decoded, placesWhere, rowsAt } from "./boxes.js";

/** Pixels that each side of a detection has at least. */
const leastSide = 1e-2;

/** What a box head makes of pooled regions. */
export interface RegionFeatures {
  /** `[R, width]` */
  readonly vectors: Value;
  /** `[R, C, rows, columns]`; null where masks have feature maps of their own. */
  readonly maps: Value | null;
}

/** The box head of a pyramid: `[R, C, side, side]` to vectors. */
export function mlpHead(layers: Layers, regions: Value): RegionFeatures {
  const flat = layers.graph.add("Flatten", [regions], { axis: 1 });
  return { vectors: layers.relu(layers.linear("fc7", layers.relu(layers.linear("fc6", flat)))), maps: null };
}

/** The box head of C4: the encoder's last stage, its norm where there is one, and the mean. */
export function c4Head(layers: Layers, stage: (input: Value) => Value, regions: Value): RegionFeatures {
  const seen = stage(regions); // [R, outChannels, 7, 7]
  const maps = layers.has("norm.weight") ? layers.batchNorm("norm", seen) : seen;
  return { vectors: layers.meanOfPlaces(maps), maps };
}

/** Detections of one photo, the surest first, in pixels of the resized photo. */
export interface GraphDetections {
  /** `[D, 4]` */
  readonly boxes: Value;
  /** `[D]` */
  readonly scores: Value;
  /** int64 `[D]`, from 1. */
  readonly labels: Value;
}

/** What the predictor says of regions with vectors `[N, width]` and boxes `[N, 4]`. */
export function detectionsOf(
  layers: Layers,
  { vectors }: RegionFeatures,
  proposals: Value,
  corner: Value,
  { leastScore, nmsOverlap, detections }: DetectionSettings["box"],
): GraphDetections {
  const { graph } = layers;
  const classes = layers.tensor("cls_score.weight").shape[0];
  const withoutBackground = (values: Value) =>
    graph.add("Slice", [values, graph.ints([1]), graph.ints([classes]), graph.ints([1])]);
  const chances = graph.add("Softmax", [layers.linear("cls_score", vectors)], { axis: 1 }); // [N, classes]
  const all = graph.add("Reshape", [withoutBackground(chances), graph.ints([-1])]); // [N (classes - 1)]
  const changes = graph.add("Reshape", [layers.linear("bbox_pred", vectors), graph.ints([-1, classes, 4])]);
  const ofClasses = decoded(graph, changes, proposals, { middle: 10, side: 5 }); // [N, classes, 4]
  const sides = graph.add("Reshape", [
    withoutBackground(clipped(graph, ofClasses, corner)),
    graph.ints([-1, 4]),
  ]);
  const places = placesWhere(graph, graph.add("Greater", [all, graph.floats([leastScore])])); // [above]
  const ofPlace = graph.add("Add", [graph.add("Mod", [places, graph.int(classes - 1)]), graph.int(1)]);
  const best = bestOf(
    graph,
    {
      boxes: rowsAt(graph, sides, places),
      scores: rowsAt(graph, all, places),
      groups: graph.add("Cast", [ofPlace], { to: elementTypeCode("float32") }),
    },
    { leastSide, overlap: nmsOverlap, most: detections, corner },
  );
  const labels = graph.add("Cast", [best.groups], { to: elementTypeCode("int64") });
  return { boxes: best.boxes, scores: best.scores, labels };
}

/** Convolutions of a pyramid's mask head, `[D, C, 14, 14]` to the same. */
export function maskHead(layers: Layers, regions: Value): Value {
  let x = regions;
  for (let i = 0; i < layers.count("mask_head"); i++) x = convBlock(layers.part(`mask_head.${i}`), x, true);
  return x;
}

/** A convolution, its norm where it has one, and a ReLU where it is asked for. */
export function convBlock(layers: Layers, input: Value, relu: boolean): Value {
  const seen = layers.conv("0", input);
  const normalised = layers.has("1.running_mean") ? layers.batchNorm("1", seen) : seen;
  return relu ? layers.relu(normalised) : normalised;
}

/** Chances within each box, of the label's class: maps `[D, C, side, side]` to `[D, 2 side, 2 side]`. */
export function masksOf(layers: Layers, maps: Value, labels: Value): Value {
  const { graph } = layers;
  const classes = layers.tensor("mask_fcn_logits.weight").shape[0];
  const weights = [layers.weight("conv5_mask.weight"), layers.weight("conv5_mask.bias")];
  const wide = graph.add("ConvTranspose", [maps, ...weights], { kernel_shape: [2, 2], strides: [2, 2] });
  const logits = layers.conv("mask_fcn_logits", layers.relu(wide)); // [D, classes, 2 side, 2 side]
  const shape = graph.add("Shape", [logits], { start: 2 }); // [2]
  const planes = graph.add("Reshape", [logits, graph.add("Concat", [graph.ints([-1]), shape], { axis: 0 })]); // [D classes, 2 side, 2 side]
  const count = graph.add("Squeeze", [graph.add("Shape", [labels]), graph.ints([0])]); // []
  const regions = graph.add("Range", [graph.int(0), count, graph.int(1)]); // [D]
  const places = graph.add("Add", [graph.add("Mul", [regions, graph.int(classes)]), labels]);
  return graph.add("Sigmoid", [rowsAt(graph, planes, places)]);
}
