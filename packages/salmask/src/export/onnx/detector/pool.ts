/** What feature maps show within boxes, as `detection/roi-pool.ts` computes it. */
import { canonical } from "../../../detection/roi-pool.js";
import type { DetectionSettings } from "../../../detection/settings.js";
import type { TrunkLevel } from "../../../detection/trunk.js";
import { elementTypeCode, type Graph, type Value } from "../graph.js";
import { lengthsOf, placesWhere, rowsAt } from "./boxes.js";

/** Which of the levels each box belongs to: int64 `[N]`. */
function levelsOf(graph: Graph, boxes: Value, levels: readonly TrunkLevel[]): Value {
  const [first, last] = [levels[0], levels[levels.length - 1]].map(({ stride }) => Math.log2(stride));
  const { width, height } = lengthsOf(graph, boxes);
  const side = graph.add("Sqrt", [graph.add("Mul", [width, height])]); // [N, 1]
  const share = graph.add("Log", [graph.add("Div", [side, graph.floats([canonical.side])])]);
  const logarithm = graph.add("Div", [share, graph.floats([Math.LN2])]);
  const byArea = graph.add("Floor", [
    graph.add("Add", [
      graph.add("Add", [logarithm, graph.floats([canonical.level])]),
      graph.floats([canonical.margin]),
    ]),
  ]);
  const bounded = graph.add("Clip", [byArea, graph.floats([first]), graph.floats([last])]);
  const whole = graph.add("Cast", [graph.add("Sub", [bounded, graph.floats([first])])], {
    to: elementTypeCode("int64"),
  });
  return graph.add("Reshape", [whole, graph.ints([-1])]);
}

/** `[N, C, side, side]` of boxes `[N, 4]` of one photo, whose maps are `[1, C, H, W]` for each level. */
export function pooledRegions(
  graph: Graph,
  features: readonly Value[],
  boxes: Value,
  levels: readonly TrunkLevel[],
  { side, box }: { readonly side: number; readonly box: DetectionSettings["box"] },
): Value {
  const align = (maps: Value, regions: Value, { stride }: TrunkLevel) => {
    const count = graph.add("Shape", [regions], { start: 0, end: 1 }); // [1]
    const photos = graph.add("Expand", [graph.ints([0]), count]); // [N]
    return graph.add("RoiAlign", [maps, regions, photos], {
      output_height: side,
      output_width: side,
      sampling_ratio: box.samplingRatio,
      spatial_scale: { float: 1 / stride },
      coordinate_transformation_mode: box.aligned ? "half_pixel" : "output_half_pixel",
    });
  };
  if (levels.length === 1) return align(features[0], boxes, levels[0]);
  const levelOf = levelsOf(graph, boxes, levels);
  const places = levels.map((_, level) =>
    placesWhere(graph, graph.add("Equal", [levelOf, graph.int(level)])),
  );
  const pooled = levels.map((level, i) => align(features[i], rowsAt(graph, boxes, places[i]), level));
  const order = graph.add("Concat", places, { axis: 0 }); // [N]
  const count = graph.add("Shape", [order]);
  const [, back] = graph.addWithOutputs("TopK", [order, count], 2, { axis: 0, largest: 0 });
  return rowsAt(graph, graph.add("Concat", pooled, { axis: 0 }), back);
}
