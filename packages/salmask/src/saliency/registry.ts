import { MinimumBarrierSource } from "./barrier/minimum-barrier.js";
import { CentreSource } from "./centre.js";
import { backgroundDetection } from "./regions/background-detection.js";
import { cellularAutomaton } from "./regions/cellular-automaton.js";
import { ConsensusSource } from "./regions/consensus.js";
import { manifoldRanking } from "./regions/manifold-ranking.js";
import { RegionSource } from "./regions/region-source.js";
import type { RunlessSource } from "./settings.js";
import type { SaliencySource } from "./source.js";
import { SpectralResidualSource } from "./spectral-residual.js";
import { UniformSource } from "./uniform.js";

/** To add a source, add a name to the settings and a case here. */
export function runlessSource(name: RunlessSource): SaliencySource {
  switch (name) {
    case "spectral-residual":
      return new SpectralResidualSource();
    case "minimum-barrier":
      return new MinimumBarrierSource();
    case "background-detection":
      return new RegionSource(name, backgroundDetection);
    case "manifold-ranking":
      return new RegionSource(name, manifoldRanking);
    case "cellular-automaton":
      return new RegionSource(name, cellularAutomaton);
    case "consensus":
      return new ConsensusSource();
    case "centre":
      return new CentreSource();
    case "uniform":
      return new UniformSource();
  }
}
