import type { RunConfig } from "../config/schema.js";
import type { Method } from "./method.js";
import { Moco } from "./moco.js";

/** The method that a configuration names. A new method is one more line here. */
export function methodOf(config: RunConfig): Method {
  const { seed, method, mask, model } = config;
  switch (method.name) {
    case "mocov2":
      return new Moco({
        ...{ seed, queue: method.queue, momentum: method.momentum, temperature: method.temperature },
        ...{ groups: method.groups, negativeWeight: mask.negative.weight },
        encoder: {
          ...{ depth: model.arch === "resnet50" ? 50 : 18, stem: model.stem, width: model.width },
          ...{ hidden: method.hidden, dim: method.dim },
        },
      });
  }
}
