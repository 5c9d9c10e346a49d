import type { Compute } from "../compute/compute.js";
import type { RunConfig } from "../config/schema.js";
import type { EncoderOptions } from "../models/encoder.js";
import type { Method } from "./method.js";
import { Moco } from "./moco.js";
import { Adversary } from "./occlusion/adversary.js";
import { SimClr } from "./simclr.js";

/** What learns to occlude the queries; null where the configuration asks for nothing of the kind. */
export function adversaryOf(
  { seed, occlusion, data, train }: RunConfig,
  compute?: Compute,
): Adversary | null {
  if (occlusion.name === "none") return null;
  const { momentum, weightDecay } = train;
  return new Adversary({ ...occlusion, seed, crop: data.crop, momentum, weightDecay, compute });
}

/** The method that a configuration names. A new method is one more case here, and its settings one more kind there. */
export function methodOf(config: RunConfig, compute?: Compute): Method {
  const { seed, method, mask, model } = config;
  const { temperature, hidden, dim } = method;
  const depth = model.arch === "resnet50" ? 50 : 18;
  const encoder: EncoderOptions = { depth, stem: model.stem, width: model.width, hidden, dim, compute };
  const shared = { seed, encoder, temperature, negativeWeight: mask.negative.weight };
  switch (method.name) {
    case "mocov2":
      return new Moco({ ...shared, queue: method.queue, momentum: method.momentum, groups: method.groups });
    case "simclr":
      return new SimClr(shared);
  }
}
