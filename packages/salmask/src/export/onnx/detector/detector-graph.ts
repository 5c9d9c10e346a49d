/** A detector as one ONNX graph, from a photo of any size to boxes, classes, scores and masks. */
import { c4Side } from "../../../detection/c4.js";
import { pyramidSide } from "../../../detection/rcnn.js";
import { graphFamilies } from "../../backbones/registry.js";
import type { ExportedDetector } from "../../detector.js";
import type { PixelType } from "../../targets.js";
import { Graph, type Value } from "../graph.js";
import { Layers } from "../layers.js";
import { filtered, normalised, scaled } from "../prepare.js";
import { c4Head, convBlock, detectionsOf, maskHead, masksOf, mlpHead } from "./heads.js";
import { pooledRegions } from "./pool.js";
import { proposalsOf } from "./proposals.js";
import { cornerOf, padded, resized, resizedSides, sidesOf } from "./resize.js";

export const detectorInput = "pixel_values";

/** The feature maps of a pyramid, as `detection/fpn.ts` computes them. */
function pyramidOf(layers: Layers, features: readonly Value[]): Value[] {
  const { graph } = layers;
  const levels: Value[] = [];
  let above: Value | null = null;
  for (let level = features.length - 1; level >= 0; level--) {
    const lateral = convBlock(layers.part(`inner_blocks.${level}`), features[level], false);
    above = above === null ? lateral : graph.add("Add", [lateral, asLargeAs(graph, above, lateral)]);
    levels.unshift(convBlock(layers.part(`layer_blocks.${level}`), above, false));
  }
  const last = levels[levels.length - 1];
  return [...levels, graph.add("MaxPool", [last], { kernel_shape: [1, 1], strides: [2, 2] })];
}

function asLargeAs(graph: Graph, maps: Value, other: Value): Value {
  return graph.add("Resize", [maps, "", "", graph.add("Shape", [other])], {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  });
}

/**
 * The file of a detector. It takes one photo as `pixel_values` `[1, 3, height, width]` with values from 0 to 255, and gives `boxes` `[objects, 4]`
 * in pixels of the photo, `labels` and `scores` `[objects]`, and of Mask R-CNN `masks` `[objects, side, side]`, the chances within each
 * box. Only detections with a score above `leastScore` are kept.
 */
export function detectorGraph(
  { detector, description }: ExportedDetector,
  pixels: PixelType,
  leastScore: number,
): Uint8Array {
  const { settings, highPass } = description;
  const { design, masks } = settings;
  const box = { ...settings.box, leastScore };
  const { body, regionLevels } = detector.backbone;
  const graph = new Graph();
  const layers = new Layers(graph, detector.stateDict());
  const shape = [1, 3, "height", "width"];
  const photo = graph.input({ name: detectorInput, type: pixels, shape });
  const original = sidesOf(graph, photo);
  const sides = resizedSides(graph, original, settings);
  const corner = cornerOf(graph, sides); // [4]
  const picture = normalised(graph, resized(graph, scaled(graph, photo, pixels), sides), description);
  const batch = padded(graph, picture, sides); // [1, 3, H, W]
  const parts = graphFamilies[body.spec.arch].draw(layers.part("backbone.body"), body, 0);
  const isC4 = design === "c4";
  const looked = isC4 ? parts.stages.slice(0, -1) : parts.stages;
  const lastStage = parts.stages[parts.stages.length - 1];
  let x = parts.stem(filtered(graph, batch, highPass));
  const ofLevels = looked.map((stage) => {
    x = stage(x);
    return parts.maps(x);
  });
  const features = isC4 ? ofLevels.slice(-1) : pyramidOf(layers.part("backbone.fpn"), ofLevels);
  const seen = { batch: sidesOf(graph, batch), corner };
  const proposals = proposalsOf(layers.part("rpn.head"), features, seen, settings); // [N, 4]
  const pooled = (boxes: Value, side: number) =>
    pooledRegions(graph, features, boxes, regionLevels, { side, box });
  const heads = layers.part("roi_heads");
  const boxHead = (boxes: Value) =>
    isC4
      ? c4Head(heads.part("box_head"), lastStage, pooled(boxes, c4Side))
      : mlpHead(heads.part("box_head"), pooled(boxes, pyramidSide.box));
  const found = detectionsOf(heads.part("box_predictor"), boxHead(proposals), proposals, corner, box);
  const back = graph.add("Div", [cornerOf(graph, original), corner]); // [4]
  const boxes = graph.add("Mul", [found.boxes, back]); // [objects, 4]
  graph.output({ name: "boxes", type: "float32", shape: ["objects", 4] }, boxes);
  graph.output({ name: "labels", type: "int64", shape: ["objects"] }, found.labels);
  graph.output({ name: "scores", type: "float32", shape: ["objects"] }, found.scores);
  if (masks) {
    const maps = isC4 ? boxHead(found.boxes).maps : maskHead(heads, pooled(found.boxes, pyramidSide.mask));
    if (maps === null) throw new TypeError("Expected feature maps from the box head of C4, got none.");
    const chances = masksOf(heads.part("mask_predictor"), maps, found.labels);
    graph.output({ name: "masks", type: "float32", shape: ["objects", "side", "side"] }, chances);
  }
  return graph.toBytes({ salmask: JSON.stringify(description) });
}
