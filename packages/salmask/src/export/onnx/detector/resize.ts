/** From a photo of any size to what a detector looks at, as `detection/resize.ts` does. */
import type { DetectionSettings } from "../../../detection/settings.js";
import { elementTypeCode, type Graph, type Value } from "../graph.js";

/** Sides of what is looked at are multiples of it. */
const divisor = 32;

export interface Sides {
  /** int64 `[]` */
  readonly height: Value;
  readonly width: Value;
}

const cast = (graph: Graph, value: Value, type: "float32" | "float64" | "int64"): Value =>
  graph.add("Cast", [value], { to: elementTypeCode(type) });

export function sidesOf(graph: Graph, planes: Value): Sides {
  const shape = graph.add("Shape", [planes]); // [4]
  const at = (place: number) => graph.add("Gather", [shape, graph.int(place)], { axis: 0 });
  return { height: at(2), width: at(3) };
}

/** The size that a photo is made of. */
export function resizedSides(
  graph: Graph,
  { height, width }: Sides,
  { shortSides, longSide }: Pick<DetectionSettings, "shortSides" | "longSide">,
): Sides {
  const [h, w] = [height, width].map((side) => cast(graph, side, "float32"));
  const short = graph.add("Div", [
    graph.floats([shortSides[shortSides.length - 1]]),
    graph.add("Min", [h, w]),
  ]);
  const long = graph.add("Div", [graph.floats([longSide]), graph.add("Max", [h, w])]);
  const scale = cast(graph, graph.add("Min", [short, long]), "float64");
  const side = (length: Value) => {
    const scaled = graph.add("Mul", [cast(graph, length, "float64"), scale]);
    const whole = cast(graph, graph.add("Floor", [scaled]), "int64");
    return graph.add("Max", [whole, graph.int(1)]);
  };
  return { height: side(height), width: side(width) };
}

/** int64 numbers `[]` and constants as one list, `[n]`. */
function list(graph: Graph, values: readonly (Value | number)[]): Value {
  const each = values.map((value) =>
    typeof value === "number" ? graph.ints([value]) : graph.add("Unsqueeze", [value, graph.ints([0])]),
  );
  return graph.add("Concat", each, { axis: 0 });
}

/** A photo `[1, 3, H, W]` at another size, bilinearly. */
export function resized(graph: Graph, photo: Value, { height, width }: Sides): Value {
  return graph.add("Resize", [photo, "", "", list(graph, [1, 3, height, width])], {
    mode: "linear",
    coordinate_transformation_mode: "half_pixel",
  });
}

/** With zeros on the right and below, up to multiples of 32. */
export function padded(graph: Graph, picture: Value, { height, width }: Sides): Value {
  const missing = (side: Value) => {
    const past = graph.add("Mod", [side, graph.int(divisor)]);
    return graph.add("Mod", [graph.add("Sub", [graph.int(divisor), past]), graph.int(divisor)]);
  };
  const around = list(graph, [0, 0, 0, 0, 0, 0, missing(height), missing(width)]);
  return graph.add("Pad", [picture, around], { mode: "constant" });
}

/** Width, height, width, height as float32 `[4]`. */
export function cornerOf(graph: Graph, { height, width }: Sides): Value {
  return cast(graph, list(graph, [width, height, width, height]), "float32");
}
