import { type nn, noGrad, scope, type Tensor } from "@salmask/torch";
import { type Compute, onCpu, place, runLayers } from "../compute/compute.js";
import { resize } from "../image/resize.js";
import type { MapSize, SaliencySource } from "./source.js";

/** A network whose last feature maps can be had: `[B, 3, H, W]` to `[B, C, h, w]`. */
export type FeatureNetwork = nn.Module & { features(input: Tensor): Tensor };

/**
 * Selective convolutional descriptor aggregation (Wei et al. 2017) as the paper relaxes it: a cell is as salient as
 * the sum of a frozen network's activations over it. There is no step that keeps the largest connected part.
 */
export class ScdaSource implements SaliencySource {
  readonly name = "scda";

  /**
   * Takes the network over: it is switched to evaluation for good, moved to where it is computed, and freed with the
   * source. `prepare` makes of normalised crops what the network was trained on.
   */
  constructor(
    private readonly network: FeatureNetwork,
    private readonly prepare: (crops: Tensor) => Tensor = (crops) => crops,
    private readonly compute: Compute = onCpu,
  ) {
    place(network, compute).eval().setRequiresGrad(false);
  }

  /** Feature maps of another size than asked for are averaged over the cells, or interpolated. */
  maps(crops: Tensor, { rows, cols }: MapSize): Tensor {
    return noGrad(() =>
      scope(() => {
        const features = runLayers(this.compute, this.prepare(crops), (input) =>
          this.network.features(input),
        ); // [B, C, h, w]
        const activation = features.sum([1], { keepdim: true }); // [B, 1, h, w]
        return resize(activation, [rows, cols]).squeeze(1); // [B, rows, cols]
      }),
    );
  }

  dispose(): void {
    this.network.dispose();
  }
}
