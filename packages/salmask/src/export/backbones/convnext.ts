/** ConvNeXts as graphs. */
import { layerNormEps } from "../../models/convnext.js";
import type { Value } from "../onnx/graph.js";
import type { Layers } from "../onnx/layers.js";
import type { BackboneGraph, GraphFamily } from "./backbone-graph.js";

const channelsLast = (layers: Layers, input: Value) =>
  layers.graph.add("Transpose", [input], { perm: [0, 2, 3, 1] });
const channelsFirst = (layers: Layers, input: Value) =>
  layers.graph.add("Transpose", [input], { perm: [0, 3, 1, 2] });

/** Over the channels of each place: `[B, C, H, W]` to the same shape. */
function norm(layers: Layers, name: string, input: Value): Value {
  return channelsFirst(layers, layers.layerNorm(name, channelsLast(layers, input), layerNormEps));
}

/** `[B, C, H, W]` to the same shape. */
function block(layers: Layers, input: Value): Value {
  const { graph } = layers;
  const seen = channelsLast(layers, layers.conv("block.0", input)); // [B, H, W, C]
  const wide = layers.gelu(layers.linear("block.3", layers.layerNorm("block.2", seen, layerNormEps))); // [B, H, W, 4 C]
  const changed = channelsFirst(layers, layers.linear("block.5", wide)); // [B, C, H, W]
  return graph.add("Add", [graph.add("Mul", [changed, layers.weight("layer_scale")]), input]);
}

function stage(layers: Layers, level: number, input: Value): Value {
  const halving = layers.part(`features.${2 * level}`);
  let x = level === 0 ? input : halving.conv("1", norm(halving, "0", input), { stride: 2, padding: 0 });
  const name = `features.${2 * level + 1}`;
  for (let i = 0; i < layers.count(name); i++) x = block(layers.part(`${name}.${i}`), x);
  return x;
}

export const convNeXtGraph: GraphFamily = {
  takesAnySize: true,
  draw(layers, { levels }): BackboneGraph {
    return {
      stem(pictures) {
        const first = layers.part("features.0");
        const [, , side] = first.tensor("0.weight").shape;
        return norm(first, "1", first.conv("0", pictures, { stride: side, padding: 0 })); // [B, width, H', W']
      },
      stages: levels.map((_, level) => (input) => stage(layers, level, input)),
      maps: (output) => output,
      pooled: (output) => layers.layerNorm("classifier.0", layers.meanOfPlaces(output), layerNormEps),
    };
  },
};
