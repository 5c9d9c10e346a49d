/** Vision transformers as graphs, for pictures of one size: their positions are constants. */
import { scope } from "@salmask/torch";
import { headsOf, layerNormEps, positionsOfGrid } from "../../models/vit-encoder.js";
import type { Value } from "../onnx/graph.js";
import type { Layers } from "../onnx/layers.js";
import type { BackboneGraph, GraphFamily } from "./backbone-graph.js";

/** `[B, N, width]` to the same shape. */
function attention(layers: Layers, input: Value, width: number): Value {
  const { graph } = layers;
  const heads = headsOf(width);
  const names = { weight: "in_proj_weight", bias: "in_proj_bias" };
  const projected = layers.linear("in_proj", input, names); // [B, N, 3 width]
  const split = graph.add("Reshape", [projected, graph.ints([0, 0, 3, heads, width / heads])]);
  const parts = graph.add("Transpose", [split], { perm: [2, 0, 3, 1, 4] }); // [3, B, heads, N, width / heads]
  const [query, key, value] = [0, 1, 2].map((i) => graph.add("Gather", [parts, graph.int(i)], { axis: 0 })); // [B, heads, N, width / heads] each
  const scaled = graph.add("Mul", [query, graph.floats([(width / heads) ** -0.5])]);
  const turned = graph.add("Transpose", [key], { perm: [0, 1, 3, 2] });
  const shares = graph.add("Softmax", [graph.add("MatMul", [scaled, turned])], { axis: -1 }); // [B, heads, N, N]
  const seen = graph.add("Transpose", [graph.add("MatMul", [shares, value])], { perm: [0, 2, 1, 3] });
  return layers.linear("out_proj", graph.add("Reshape", [seen, graph.ints([0, 0, width])]));
}

/** `[B, N, width]` to the same shape. */
function block(layers: Layers, input: Value, width: number): Value {
  const { graph } = layers;
  const attended = attention(
    layers.part("self_attention"),
    layers.layerNorm("ln_1", input, layerNormEps),
    width,
  );
  const sum = graph.add("Add", [input, attended]);
  const wide = layers.gelu(layers.linear("mlp.0", layers.layerNorm("ln_2", sum, layerNormEps))); // [B, N, 4 width]
  return graph.add("Add", [sum, layers.linear("mlp.3", wide)]);
}

export const visionTransformerGraph: GraphFamily = {
  takesAnySize: false,
  draw(layers, { outChannels: width, stride: patch }, side): BackboneGraph {
    const { graph } = layers;
    const places = side / patch;
    return {
      stem(pictures) {
        const maps = layers.conv("conv_proj", pictures, { stride: patch, padding: 0 }); // [B, width, places, places]
        const flat = graph.add("Reshape", [maps, graph.ints([0, width, places ** 2])]);
        const tokens = graph.add("Transpose", [flat], { perm: [0, 2, 1] }); // [B, N, width]
        return scope(() => {
          const learned = layers.tensor("encoder.pos_embedding"); // [1, 1 + M, width]
          const positions = positionsOfGrid(learned, { rows: places, columns: places }); // [1, N, width]
          const placed = graph.add("Add", [tokens, graph.weight("positions", positions)]);
          const first = layers.tensor("class_token").add(learned.narrow(1, 0, 1)); // [1, 1, width]
          const batch = graph.add("Shape", [maps], { start: 0, end: 1 });
          const shape = graph.add("Concat", [batch, graph.ints([1, width])], { axis: 0 });
          const firsts = graph.add("Expand", [graph.weight("first_token", first), shape]); // [B, 1, width]
          return graph.add("Concat", [firsts, placed], { axis: 1 }); // [B, 1 + N, width]
        });
      },
      stages: [
        (input) => {
          const encoder = layers.part("encoder");
          let x = input;
          for (let i = 0; i < encoder.count("layers"); i++)
            x = block(encoder.part(`layers.encoder_layer_${i}`), x, width);
          return encoder.layerNorm("ln", x, layerNormEps);
        },
      ],
      maps(output) {
        const bounds = [[1], [Number.MAX_SAFE_INTEGER], [1]].map((values) => graph.ints(values));
        const tokens = graph.add("Slice", [output, ...bounds]); // [B, N, width]
        const turned = graph.add("Transpose", [tokens], { perm: [0, 2, 1] });
        return graph.add("Reshape", [turned, graph.ints([0, width, places, places])]);
      },
      pooled: (output) => graph.add("Gather", [output, graph.int(0)], { axis: 1 }),
    };
  },
};
