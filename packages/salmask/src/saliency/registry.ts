import { BackgroundDetectionSource } from "./background-detection.js";
import { CellularAutomatonSource } from "./cellular-automaton.js";
import { CentreSource } from "./centre.js";
import { ConsensusSource } from "./consensus.js";
import { ManifoldRankingSource } from "./manifold-ranking.js";
import { MinimumBarrierSource } from "./minimum-barrier.js";
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
      return new BackgroundDetectionSource();
    case "manifold-ranking":
      return new ManifoldRankingSource();
    case "cellular-automaton":
      return new CellularAutomatonSource();
    case "consensus":
      return new ConsensusSource();
    case "centre":
      return new CentreSource();
    case "uniform":
      return new UniformSource();
  }
}
