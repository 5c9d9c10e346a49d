import type { Generator, nn } from "@salmask/torch";
import type { Backbone, BackboneFamily, BackboneSpec, FeatureLevel } from "./backbone.js";
import { convNeXt } from "./convnext.js";
import { basicResNet, bottleneckResNet } from "./resnet.js";
import { archNames } from "./settings.js";
import { visionTransformer } from "./vit.js";

/** Every architecture. To add one, write a file like `resnet.ts`, and add a name to `settings.ts` and a line here. */
const families: Record<BackboneSpec["arch"], BackboneFamily> = {
  resnet18: basicResNet([2, 2, 2, 2]),
  resnet34: basicResNet([3, 4, 6, 3]),
  resnet50: bottleneckResNet([3, 4, 6, 3]),
  resnet101: bottleneckResNet([3, 4, 23, 3]),
  convnext_tiny: convNeXt([3, 3, 9, 3]),
  vit_tiny: visionTransformer({ depth: 12, most: 192 }),
  vit_small: visionTransformer({ depth: 12, most: 512 }),
};

/** A backbone with new random weights from the generator. */
export function createBackbone(spec: BackboneSpec, generator: Generator): Backbone {
  return families[spec.arch].build(spec, generator);
}

/** The levels of a backbone, from fine to coarse, without building it. */
export const levelsOf = (spec: BackboneSpec): readonly FeatureLevel[] => families[spec.arch].levels(spec);

/** Pixels of the input per position of the last feature maps, along each side. */
export function strideOf(spec: BackboneSpec): number {
  const levels = levelsOf(spec);
  return levels[levels.length - 1].stride;
}

/** Channels of the last feature maps. */
export function outChannelsOf(spec: BackboneSpec): number {
  const levels = levelsOf(spec);
  return levels[levels.length - 1].channels;
}

/** The specification derived from a state dict; null if it belongs to no architecture. */
export function specOf(state: nn.StateDict): BackboneSpec | null {
  for (const arch of archNames) {
    const rest = families[arch].specOf(state);
    if (rest !== null) return { arch, ...rest };
  }
  return null;
}
