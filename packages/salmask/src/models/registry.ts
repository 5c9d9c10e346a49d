import type { Generator, nn } from "@salmask/torch";
import type { Backbone, BackboneFamily, BackboneSpec } from "./backbone.js";
import { resnetFamily } from "./resnet.js";

/**
 * The family of each architecture. To add one, write a file like `resnet.ts`, and add a name to `settings.ts` and a
 * line here.
 */
const families: Record<BackboneSpec["arch"], BackboneFamily> = {
  resnet18: resnetFamily,
  resnet50: resnetFamily,
};

/** A backbone with new random weights from the generator. */
export function createBackbone(spec: BackboneSpec, generator: Generator): Backbone {
  return families[spec.arch].build(spec, generator);
}

/** Pixels of the input per position of the last feature maps, along each side. */
export function strideOf(spec: BackboneSpec): number {
  const levels = families[spec.arch].levels(spec);
  return levels[levels.length - 1].stride;
}

/** The specification derived from a state dict; null if it belongs to no family. */
export function specOf(state: nn.StateDict): BackboneSpec | null {
  for (const family of new Set(Object.values(families))) {
    const spec = family.specOf(state);
    if (spec !== null) return spec;
  }
  return null;
}
