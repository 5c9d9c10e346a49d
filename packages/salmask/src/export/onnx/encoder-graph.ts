/** An encoder as one ONNX graph, from pixels to features. */
import { graphFamilies } from "../backbones/registry.js";
import type { ExportedEncoder } from "../encoder.js";
import type { PixelType } from "../targets.js";
import { Graph } from "./graph.js";
import { Layers } from "./layers.js";
import { filtered, normalised, scaled } from "./prepare.js";

/** The names of inputs and outputs are those of Hugging Face's models, so that its libraries find them. */
export const encoderPorts = {
  input: "pixel_values",
  features: "pooler_output",
  maps: "last_hidden_state",
  scores: "logits",
} as const;

/**
 * The file of an encoder. It takes `pixel_values` `[batch, 3, height, width]` with values from 0 to 255, and gives `pooler_output`
 * `[batch, features]`, `last_hidden_state` `[batch, features, rows, columns]` (the last feature maps) and, of an encoder with a linear
 * layer, `logits` `[batch, classes]`. A transformer's height and width are fixed.
 */
export function encoderGraph(encoder: ExportedEncoder, pixels: PixelType): Uint8Array {
  const { backbone, description } = encoder;
  const { features, stride, input, classes } = description;
  const family = graphFamilies[backbone.spec.arch];
  const sides = family.takesAnySize ? ["height", "width"] : [input.side, input.side];
  const places = family.takesAnySize ? ["rows", "columns"] : [input.side / stride, input.side / stride];
  const graph = new Graph();
  const layers = new Layers(graph, encoder.weights());
  const parts = family.draw(layers, backbone, input.side);
  const pictures = graph.input({ name: encoderPorts.input, type: pixels, shape: ["batch", 3, ...sides] });
  const seen = normalised(graph, scaled(graph, pictures, pixels), input);
  let x = parts.stem(filtered(graph, seen, input.highPass));
  for (const stage of parts.stages) x = stage(x);
  const vectors = parts.pooled(x); // [batch, features]
  graph.output({ name: encoderPorts.features, type: "float32", shape: ["batch", features] }, vectors);
  graph.output(
    { name: encoderPorts.maps, type: "float32", shape: ["batch", features, ...places] },
    parts.maps(x),
  );
  if (classes !== null) {
    const scores = layers.linear(backbone.classifierName, vectors); // [batch, classes]
    graph.output({ name: encoderPorts.scores, type: "float32", shape: ["batch", classes.length] }, scores);
  }
  return graph.toBytes({ salmask: JSON.stringify(description) });
}
