/** What is done to pictures before a network sees them, as operators. */
import { HighPassFilter } from "../../detection/high-pass.js";
import type { ExportedInput } from "../encoder.js";
import type { PixelType } from "../targets.js";
import { elementTypeCode, type Graph, type Value } from "./graph.js";

/** Pictures `[B, 3, H, W]` with values from 0 to 255 to what the network was trained on, float32 `[B, 3, H, W]`. */
export function prepared(
  graph: Graph,
  pictures: Value,
  type: PixelType,
  { mean, std, highPass }: Pick<ExportedInput, "mean" | "std" | "highPass">,
): Value {
  const numbers =
    type === "uint8" ? graph.add("Cast", [pictures], { to: elementTypeCode("float32") }) : pictures;
  const shares = graph.add("Div", [numbers, graph.floats([255])]);
  const centred = graph.add("Sub", [shares, graph.floats(mean, [1, 3, 1, 1])]);
  const normalised = graph.add("Div", [centred, graph.floats(std, [1, 3, 1, 1])]);
  return highPass === null ? normalised : filtered(graph, normalised, highPass);
}

/** Each pixel less the Gaussian mean around it, with reflected borders. */
function filtered(graph: Graph, pictures: Value, highPass: { kernel: number; sigma: number }): Value {
  const { kernel } = highPass;
  const half = (kernel - 1) / 2;
  const around = graph.ints([0, 0, half, half, 0, 0, half, half]);
  const padded = graph.add("Pad", [pictures, around], { mode: "reflect" });
  using filter = new HighPassFilter(highPass);
  const weight = graph.weight("high_pass.weight", filter.stateDict().weight); // [3, 1, kernel, kernel]
  return graph.add("Conv", [padded, weight], { kernel_shape: [kernel, kernel], group: 3 });
}
