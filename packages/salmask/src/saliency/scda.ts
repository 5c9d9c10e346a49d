import { type nn, noGrad, scope, type Tensor } from "@salmask/torch";
import { type Compute, onCpu, place, runLayers } from "../compute/compute.js";
import { resize } from "../image/resize.js";
import type { MapSize, SaliencySource } from "./source.js";

/** A network that can return its last feature maps: `[B, 3, H, W]` to `[B, C, h, w]`. */
export type FeatureNetwork = nn.Module & { features(input: Tensor): Tensor };

/**
 * Selective convolutional descriptor aggregation (Wei et al. 2017) in the paper's simplified form: the saliency of a
 * cell is the sum of a frozen network's activations in it. The step that keeps only the largest connected part is
 * omitted.
 */
export class ScdaSource implements SaliencySource {
  readonly name = "scda";

  /**
   * Takes ownership of the network: it stays in evaluation mode, is moved to its device, and is freed with the source.
   * `prepare` converts normalised crops to the kind of input on which the network was trained.
   */
  constructor(
    private readonly network: FeatureNetwork,
    private readonly prepare: (crops: Tensor) => Tensor = (crops) => crops,
    private readonly compute: Compute = onCpu,
  ) {
    place(network, compute).eval().setRequiresGrad(false);
  }

  /** If the feature maps have another size, they are averaged over the cells, or interpolated. */
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
