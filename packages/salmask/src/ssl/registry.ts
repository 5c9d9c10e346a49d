import type { Compute } from "../compute/compute.js";
import { barlow } from "./barlow.js";
import { byol } from "./byol.js";
import { dino } from "./dino.js";
import type { BuiltInMaker, HostSettings, MethodMaker } from "./method-maker.js";
import { mocov2 } from "./moco.js";
import { mocov3 } from "./mocov3.js";
import { Occlusion } from "./occlusion/occlusion.js";
import type { MethodSettings } from "./settings.js";
import { simclr } from "./simclr.js";
import { simsiam } from "./simsiam.js";
import { swav } from "./swav.js";
import { vicreg } from "./vicreg.js";

/** The maker of the settings' method. To add a method, add a line here and its settings in `settings.ts`. */
function makerOf(method: MethodSettings): BuiltInMaker {
  switch (method.name) {
    case "mocov2":
      return mocov2(method);
    case "simclr":
      return simclr(method);
    case "byol":
      return byol(method);
    case "simsiam":
      return simsiam(method);
    case "swav":
      return swav(method);
    case "dino":
      return dino(method);
    case "barlow":
      return barlow(method);
    case "vicreg":
      return vicreg(method);
    case "mocov3":
      return mocov3(method);
  }
}

/** The methods in this package. */
export const builtInMethods: Required<MethodMaker> = {
  create: (settings, compute) => makerOf(settings.method).create(settings, compute),
  recipe: (settings) => makerOf(settings.method).recipe(settings),
  optimizer: (settings) => makerOf(settings.method).optimizer(settings),
  batchNorm: (settings) => makerOf(settings.method).batchNorm?.(settings) ?? "sync",
};

/** The occlusion model of the settings; null if they have none. */
export function occlusionOf(settings: HostSettings, compute?: Compute): Occlusion | null {
  const { seed, occlusion, data } = settings;
  if (occlusion.name === "none") return null;
  return new Occlusion({ ...occlusion, seed, crop: data.crop, compute });
}
