/** What makes the feature maps of a detector: an encoder, before it its filter where it has one, after it a pyramid. */
import { nn, scope, type Tensor } from "@salmask/torch";
import { type Compute, inPrecision } from "../compute/compute.js";
import type { Backbone } from "../models/backbone.js";
import type { FeaturePyramid } from "./fpn.js";
import type { HighPassFilter } from "./high-pass.js";
import { TorchvisionModule } from "./torchvision-module.js";

/** Feature maps that regions are looked up in. */
export interface TrunkLevel {
  /** Pixels of the picture that one place stands for. */
  readonly stride: number;
  readonly channels: number;
}

/** Normalised pictures `[B, 3, H, W]` to float32 feature maps from fine to coarse, `[B, channels, H', W']` each. */
export class Trunk extends TorchvisionModule<Tensor, Tensor[]> {
  /** The levels that regions are looked up in; a pyramid gives one more, for large anchors. */
  readonly regionLevels: readonly TrunkLevel[];

  constructor(
    readonly filter: HighPassFilter | null,
    readonly body: Backbone,
    /** Null where the last level but one of the body is all that is looked at (C4). */
    readonly fpn: FeaturePyramid | null,
    private readonly compute: Compute,
    pyramidChannels: number,
  ) {
    super();
    this.regionLevels =
      fpn === null
        ? body.levels.slice(-2, -1)
        : body.levels.map(({ stride }) => ({ stride, channels: pyramidChannels }));
  }

  forward(pictures: Tensor): Tensor[] {
    const { filter, body, fpn, compute } = this;
    return scope(() => {
      const seen = filter === null ? pictures : filter.forward(pictures); // [B, 3, H, W]
      const laid = seen.contiguous({ memoryFormat: "channelsLast" });
      const features = inPrecision(compute, () =>
        fpn === null ? body.pyramid(laid, body.levels.length - 1).slice(-1) : fpn.forward(body.pyramid(laid)),
      );
      return compute.precision === "float32"
        ? features
        : features.map((maps) => maps.to({ dtype: "float32" }));
    });
  }
}

/** From now on the encoder normalises by the statistics that it came with, in training too. */
export function freezeNorms(body: Backbone): void {
  for (const [, part] of body.namedModules()) if (part instanceof nn.BatchNorm) part.freeze();
}

/** From now on the encoder's first parts keep their weights: the stem, then its levels from the finest. */
export function freezeParts(body: Backbone, parts: number): void {
  if (parts === 0) return;
  const ofStages = new Set(body.stages.flatMap((stage) => stage.parameters()));
  for (const parameter of body.parameters()) if (!ofStages.has(parameter)) parameter.requiresGrad = false;
  for (const stage of body.stages.slice(0, parts - 1)) stage.setRequiresGrad(false);
}
