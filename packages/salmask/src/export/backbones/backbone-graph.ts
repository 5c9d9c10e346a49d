/** How a family of backbones is drawn as an ONNX graph. */
import type { Backbone } from "../../models/backbone.js";
import type { Value } from "../onnx/graph.js";
import type { Layers } from "../onnx/layers.js";

/** A backbone's parts; each adds its operators to the graph where it is called. */
export interface BackboneGraph {
  /** Prepared pictures `[B, 3, H, W]` to what the first stage takes. */
  stem(pictures: Value): Value;
  /** One for each level, from fine to coarse. */
  readonly stages: readonly ((input: Value) => Value)[];
  /** What a stage gives, as feature maps `[B, channels, H / stride, W / stride]`. */
  maps(output: Value): Value;
  /** What the last stage gives, as one vector per picture, `[B, outChannels]`. */
  pooled(output: Value): Value;
}

export interface GraphFamily {
  /** Whether the graph takes pictures of any size; otherwise squares of one. */
  readonly takesAnySize: boolean;
  /** `layers` has the weights of `backbone`, in evaluation mode; pictures have `side` pixels where the size is fixed. */
  draw(layers: Layers, backbone: Backbone, side: number): BackboneGraph;
}
