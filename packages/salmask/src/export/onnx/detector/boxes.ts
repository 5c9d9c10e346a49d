/** Boxes `[N, 4]` in a graph: left, top, right, bottom in pixels of the resized photo. */
import type { Graph, Value } from "../graph.js";

/** No box becomes more than 1000 / 16 times as long, as in `BoxCoder`. */
const mostLogarithm = Math.log(1000 / 16);

/** Places where a condition `[N]` holds: int64 `[kept]`. */
export function placesWhere(graph: Graph, condition: Value): Value {
  return graph.add("Reshape", [graph.add("NonZero", [condition]), graph.ints([-1])]);
}

/** The rows of a tensor at places. */
export const rowsAt = (graph: Graph, values: Value, places: Value): Value =>
  graph.add("Gather", [values, places], { axis: 0 });

/** `[..., 4]` to its four numbers, `[..., 1]` each. */
const sidesOf = (graph: Graph, boxes: Value): Value[] =>
  graph.addWithOutputs("Split", [boxes], 4, { axis: -1 });

/** Width and height of boxes `[N, 4]`, `[N, 1]` each. */
export function lengthsOf(graph: Graph, boxes: Value): { width: Value; height: Value } {
  const [left, top, right, bottom] = sidesOf(graph, boxes);
  return { width: graph.add("Sub", [right, left]), height: graph.add("Sub", [bottom, top]) };
}

/** Boxes `[N, 4]` after changes `[N, K, 4]`, K of each box: `[N, K, 4]`. `weights` are the coder's, of middles and of sides. */
export function decoded(
  graph: Graph,
  changes: Value,
  from: Value,
  weights: { readonly middle: number; readonly side: number },
): Value {
  const boxes = graph.add("Unsqueeze", [from, graph.ints([1])]); // [N, 1, 4]
  const [left, top] = sidesOf(graph, boxes); // [N, 1, 1]
  const [x, y, w, h] = sidesOf(graph, changes); // [N, K, 1]
  const { width, height } = lengthsOf(graph, boxes);
  const half = (value: Value) => graph.add("Mul", [value, graph.floats([0.5])]);
  const middle = (start: Value, length: Value, change: Value) => {
    const moved = graph.add("Mul", [graph.add("Div", [change, graph.floats([weights.middle])]), length]);
    return graph.add("Add", [moved, graph.add("Add", [start, half(length)])]);
  };
  const halfSide = (length: Value, change: Value) => {
    const logarithm = graph.add("Div", [change, graph.floats([weights.side])]);
    const bounded = graph.add("Min", [logarithm, graph.floats([mostLogarithm])]);
    return half(graph.add("Mul", [graph.add("Exp", [bounded]), length]));
  };
  const [midX, midY] = [middle(left, width, x), middle(top, height, y)];
  const [halfX, halfY] = [halfSide(width, w), halfSide(height, h)];
  const corners = [
    graph.add("Sub", [midX, halfX]),
    graph.add("Sub", [midY, halfY]),
    graph.add("Add", [midX, halfX]),
    graph.add("Add", [midY, halfY]),
  ];
  return graph.add("Concat", corners, { axis: -1 });
}

/** `[..., 4]`, each side moved into a picture, whose `corner` `[4]` is its width, height, width, height. */
export function clipped(graph: Graph, boxes: Value, corner: Value): Value {
  return graph.add("Min", [graph.add("Max", [boxes, graph.floats([0])]), corner]);
}

/** Boxes with what belongs to them, row by row. */
export interface Candidates {
  /** `[N, 4]` */
  readonly boxes: Value;
  /** `[N]` */
  readonly scores: Value;
  /** float32 `[N]`, whole numbers: boxes of different groups do not suppress each other. */
  readonly groups: Value;
}

export interface BestOptions {
  /** Pixels that each side of a box has at least. */
  readonly leastSide: number;
  readonly overlap: number;
  /** Most boxes that are kept. */
  readonly most: number;
  /** Width, height, width, height of the picture that the boxes lie in, `[4]`. */
  readonly corner: Value;
}

/** The best candidates that no better one of their group overlaps, best first. */
export function bestOf(
  graph: Graph,
  { boxes, scores, groups }: Candidates,
  { leastSide, overlap, most, corner }: BestOptions,
): Candidates {
  const isLong = (length: Value) => graph.add("GreaterOrEqual", [length, graph.floats([leastSide])]);
  const { width, height } = lengthsOf(graph, boxes);
  const isLarge = graph.add("Reshape", [graph.add("And", [isLong(width), isLong(height)]), graph.ints([-1])]);
  const large = placesWhere(graph, isLarge); // [large]
  const [sized, ofSized, groupsOfSized] = [boxes, scores, groups].map((values) =>
    rowsAt(graph, values, large),
  );
  // Each group is moved to where no other has boxes.
  const reach = graph.add("Add", [graph.add("ReduceMax", [corner], { keepdims: 0 }), graph.floats([1])]); // []
  const offsets = graph.add("Unsqueeze", [graph.add("Mul", [groupsOfSized, reach]), graph.ints([1])]); // [large, 1]
  const apart = graph.add("Unsqueeze", [graph.add("Add", [sized, offsets]), graph.ints([0])]); // [1, large, 4]
  const ofApart = graph.add("Unsqueeze", [ofSized, graph.ints([0, 1])]); // [1, 1, large]
  const limits = [graph.ints([most]), graph.floats([overlap], [1])];
  const kept = graph.add("NonMaxSuppression", [apart, ofApart, ...limits]); // [kept, 3]: batch, class, box
  const places = graph.add("Gather", [kept, graph.int(2)], { axis: 1 }); // [kept]
  return {
    boxes: rowsAt(graph, sized, places),
    scores: rowsAt(graph, ofSized, places),
    groups: rowsAt(graph, groupsOfSized, places),
  };
}
