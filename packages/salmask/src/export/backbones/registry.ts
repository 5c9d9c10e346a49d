import type { BackboneSpec } from "../../models/backbone.js";
import type { GraphFamily } from "./backbone-graph.js";
import { convNeXtGraph } from "./convnext.js";
import { resNetGraph } from "./resnet.js";
import { visionTransformerGraph } from "./vit.js";

/** The graph of every architecture. To add one, write a file like `resnet.ts`, and add a line here. */
export const graphFamilies: Readonly<Record<BackboneSpec["arch"], GraphFamily>> = {
  resnet18: resNetGraph,
  resnet34: resNetGraph,
  resnet50: resNetGraph,
  resnet101: resNetGraph,
  convnext_tiny: convNeXtGraph,
  vit_tiny: visionTransformerGraph,
  vit_small: visionTransformerGraph,
};
