/** Which of torchvision's networks takes an encoder's weights, and what of them. */
import { type nn, ops } from "@salmask/torch";
import type { Backbone } from "../models/backbone.js";
import { isTransformer, modelSettings } from "../models/settings.js";
import { headsOf, positionsOfGrid } from "../models/vit-encoder.js";

/** How to build a network: `getattr(torchvision.models, name)(**arguments)`. */
export interface TorchvisionNetwork {
  readonly name: string;
  readonly arguments: Readonly<Record<string, number>>;
  /** The name of its linear layer. */
  readonly classifier: string;
}

/**
 * The network for an encoder and pictures of `side` pixels; null where none of torchvision's classes fits: of ResNets and ConvNeXts
 * they have one width and one stem. `classes` of the linear layer, null where the encoder has none.
 */
export function torchvisionNetwork(
  backbone: Backbone,
  side: number,
  classes: number | null,
): TorchvisionNetwork | null {
  const { spec, stride, classifierName: classifier } = backbone;
  const { arch, width, stem } = spec;
  const ofClasses: Record<string, number> = classes === null ? {} : { num_classes: classes };
  if (!isTransformer(arch)) {
    const isUsual = stem === "imagenet" && width === modelSettings.parse({ arch }).width;
    return isUsual ? { name: arch, arguments: ofClasses, classifier } : null;
  }
  const depth = Object.keys(backbone.stateDict()).filter((name) => name.endsWith(".in_proj_weight")).length;
  const grid = { image_size: side, patch_size: stride };
  const blocks = { num_layers: depth, num_heads: headsOf(width), hidden_dim: width, mlp_dim: 4 * width };
  return { name: "VisionTransformer", arguments: { ...grid, ...blocks, ...ofClasses }, classifier };
}

/** An encoder's tensors as torchvision's network for pictures of `side` pixels takes them. */
export function torchvisionState(state: nn.StateDict, stride: number, side: number): nn.StateDict {
  // torchvision's class has no token for hidden patches.
  const { mask_token: _, ...taken } = state;
  const name = "encoder.pos_embedding";
  const learned = taken[name];
  if (learned === undefined) return taken;
  const places = side / stride;
  const ofPatches = positionsOfGrid(learned, { rows: places, columns: places }); // [1, N, width]
  return { ...taken, [name]: ops.cat([learned.narrow(1, 0, 1), ofPatches], { dim: 1 }) }; // [1, 1 + N, width]
}
