/** What is done to pictures before a network sees them, as operators. */
import { HighPassFilter } from "../../detection/high-pass.js";
import type { PixelType } from "../targets.js";
import { elementTypeCode, type Graph, type Value } from "./graph.js";

/** Pictures `[B, 3, H, W]` with values from 0 to 255 as float32 in [0, 1]. */
export function scaled(graph: Graph, pictures: Value, type: PixelType): Value {
  const numbers =
    type === "uint8" ? graph.add("Cast", [pictures], { to: elementTypeCode("float32") }) : pictures;
  return graph.add("Div", [numbers, graph.floats([255])]);
}

/** Pictures `[B, 3, H, W]` in [0, 1] less their mean, over their standard deviation. */
export function normalised(
  graph: Graph,
  pictures: Value,
  { mean, std }: Readonly<Record<"mean" | "std", readonly number[]>>,
): Value {
  const centred = graph.add("Sub", [pictures, graph.floats(mean, [1, 3, 1, 1])]);
  return graph.add("Div", [centred, graph.floats(std, [1, 3, 1, 1])]);
}

/** Each pixel less the Gaussian mean around it, with reflected borders; the pictures themselves without a filter. */
export function filtered(
  graph: Graph,
  pictures: Value,
  highPass: { readonly kernel: number; readonly sigma: number } | null,
): Value {
  if (highPass === null) return pictures;
  const { kernel } = highPass;
  const half = (kernel - 1) / 2;
  const around = graph.ints([0, 0, half, half, 0, 0, half, half]);
  const padded = graph.add("Pad", [pictures, around], { mode: "reflect" });
  using filter = new HighPassFilter(highPass);
  const weight = graph.weight("high_pass.weight", filter.stateDict().weight); // [3, 1, kernel, kernel]
  return graph.add("Conv", [padded, weight], { kernel_shape: [kernel, kernel], group: 3 });
}
