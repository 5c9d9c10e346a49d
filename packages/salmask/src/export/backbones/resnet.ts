/** ResNets as graphs. The names of the weights say which blocks there are. */
import type { Value } from "../onnx/graph.js";
import type { Layers } from "../onnx/layers.js";
import type { BackboneGraph, GraphFamily } from "./backbone-graph.js";

/** `[B, in, H, W]` to `[B, out, H / stride, W / stride]`. */
function block(layers: Layers, input: Value, stride: number): Value {
  const convs = layers.has("conv3.weight") ? 3 : 2;
  // A block of two convolutions halves the planes in the first, one of three in the second.
  const strided = convs - 1;
  let hidden = input;
  for (let i = 1; i <= convs; i++) {
    hidden = layers.conv(`conv${i}`, hidden, { stride: i === strided ? stride : 1 });
    hidden = layers.batchNorm(`bn${i}`, hidden);
    if (i < convs) hidden = layers.relu(hidden);
  }
  const shortcut = layers.has("downsample.0.weight")
    ? layers.batchNorm("downsample.1", layers.conv("downsample.0", input, { stride }))
    : input;
  return layers.relu(layers.graph.add("Add", [hidden, shortcut]));
}

function stage(layers: Layers, name: string, level: number, input: Value): Value {
  let x = input;
  for (let i = 0; i < layers.count(name); i++)
    x = block(layers.part(`${name}.${i}`), x, level > 0 && i === 0 ? 2 : 1);
  return x;
}

export const resNetGraph: GraphFamily = {
  takesAnySize: true,
  draw(layers, { levels, spec }): BackboneGraph {
    const isSmall = spec.stem === "small";
    return {
      stem(pictures) {
        const hidden = layers.conv("conv1", pictures, { stride: isSmall ? 1 : 2 });
        const seen = layers.relu(layers.batchNorm("bn1", hidden)); // [B, width, H', W']
        if (isSmall) return seen;
        const geometry = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
        return layers.graph.add("MaxPool", [seen], geometry);
      },
      stages: levels.map(
        ({ name }, level) =>
          (input) =>
            stage(layers, name, level, input),
      ),
      maps: (output) => output,
      pooled: (output) => layers.meanOfPlaces(output),
    };
  },
};
