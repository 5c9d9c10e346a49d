import { CentreSource } from "./centre.js";
import { MinimumBarrierSource } from "./minimum-barrier.js";
import type { SaliencySource } from "./source.js";
import { SpectralResidualSource } from "./spectral-residual.js";
import { UniformSource } from "./uniform.js";

/** Sources that need neither weights nor a run. A new one is a name here and a case below. */
export const runlessSources = ["spectral-residual", "minimum-barrier", "centre", "uniform"] as const;
export type RunlessSource = (typeof runlessSources)[number];

export function runlessSource(name: RunlessSource): SaliencySource {
  switch (name) {
    case "spectral-residual":
      return new SpectralResidualSource();
    case "minimum-barrier":
      return new MinimumBarrierSource();
    case "centre":
      return new CentreSource();
    case "uniform":
      return new UniformSource();
  }
}
