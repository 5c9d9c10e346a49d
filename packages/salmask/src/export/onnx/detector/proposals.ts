/** The region proposal network as a graph, as `detection/rpn.ts` computes it in evaluation. */
import { anchorsOfPlace } from "../../../detection/anchors.js";
import type { DetectionSettings } from "../../../detection/settings.js";
import { elementTypeCode, type Graph, type Value } from "../graph.js";
import type { Layers } from "../layers.js";
import { bestOf, clipped, decoded, rowsAt } from "./boxes.js";
import { type Sides, sidesOf } from "./resize.js";

/** Pixels that each side of a proposal has at least. */
const leastSide = 1e-3;

/** The anchors of a level's places, `[rows columns anchors, 4]`. */
function anchorsOf(graph: Graph, maps: Value, batch: Sides, ofPlace: Float32Array): Value {
  const { height: rows, width: columns } = sidesOf(graph, maps);
  const along = (count: Value, side: Value, axes: number[], mask: number[]) => {
    const steps = graph.add("Range", [graph.int(0), count, graph.int(1)]);
    const shifts = graph.add("Mul", [steps, graph.add("Div", [side, count])]);
    const numbers = graph.add("Cast", [shifts], { to: elementTypeCode("float32") });
    return graph.add("Mul", [graph.add("Unsqueeze", [numbers, graph.ints(axes)]), graph.floats(mask, [4])]);
  };
  const x = along(columns, batch.width, [0, 2, 3], [1, 0, 1, 0]); // [1, columns, 1, 4]
  const y = along(rows, batch.height, [1, 2, 3], [0, 1, 0, 1]); // [rows, 1, 1, 4]
  const place = graph.floats(Array.from(ofPlace), [1, 1, ofPlace.length / 4, 4]);
  const all = graph.add("Add", [graph.add("Add", [x, y]), place]); // [rows, columns, anchors, 4]
  return graph.add("Reshape", [all, graph.ints([-1, 4])]);
}

/** The best boxes of one level, before overlaps are removed. */
function candidatesOf(layers: Layers, maps: Value, anchors: Value, most: number) {
  const { graph } = layers;
  const hidden = layers.relu(layers.conv("conv.0.0", maps)); // [1, C, rows, columns]
  const ofPlaces = (name: string, shape: number[]) => {
    const last = graph.add("Transpose", [layers.conv(name, hidden)], { perm: [0, 2, 3, 1] });
    return graph.add("Reshape", [last, graph.ints(shape)]);
  };
  const logits = ofPlaces("cls_logits", [-1]); // [anchors]
  const changes = ofPlaces("bbox_pred", [-1, 1, 4]); // [anchors, 1, 4]
  const count = graph.add("Min", [graph.add("Shape", [logits]), graph.ints([most])]); // [1]
  const [best, places] = graph.addWithOutputs("TopK", [logits, count], 2, { axis: 0 });
  const boxes = decoded(graph, rowsAt(graph, changes, places), rowsAt(graph, anchors, places), {
    middle: 1,
    side: 1,
  });
  return {
    boxes: graph.add("Reshape", [boxes, graph.ints([-1, 4])]),
    scores: graph.add("Sigmoid", [best]),
  };
}

/** Proposals `[N, 4]` of one photo, best first. `corner` is the photo's without the padding of `batch`. */
export function proposalsOf(
  layers: Layers,
  features: readonly Value[],
  { batch, corner }: { readonly batch: Sides; readonly corner: Value },
  { design, anchorSizes, aspectRatios, rpn }: DetectionSettings,
): Value {
  const { graph } = layers;
  const sizes = design === "c4" ? [anchorSizes] : anchorSizes.map((size) => [size]);
  const ofLevels = features.map((maps, level) => {
    const anchors = anchorsOf(graph, maps, batch, anchorsOfPlace(sizes[level], aspectRatios));
    const { boxes, scores } = candidatesOf(layers, maps, anchors, rpn.candidates);
    const groups = graph.add("Expand", [graph.floats([level], [1]), graph.add("Shape", [scores])]);
    return { boxes: clipped(graph, boxes, corner), scores, groups };
  });
  const all = (name: "boxes" | "scores" | "groups") =>
    graph.add(
      "Concat",
      ofLevels.map((level) => level[name]),
      { axis: 0 },
    );
  const candidates = { boxes: all("boxes"), scores: all("scores"), groups: all("groups") };
  const { nmsOverlap: overlap, proposals: most } = rpn;
  return bestOf(graph, candidates, { leastSide, overlap, most, corner }).boxes;
}
