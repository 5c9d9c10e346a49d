import { type nn, noGrad, scope, type Tensor } from "@salmask/torch";
import { type Compute, onCpu, place, runLayers } from "../../compute/compute.js";
import { resize } from "../../image/resize.js";
import type { MapSize, SaliencySource } from "../source.js";

/** Reads saliency from what a frozen network makes of crops. */
export abstract class FrozenNetworkSource<N extends nn.AnyModule> implements SaliencySource {
  abstract readonly name: string;

  /**
   * Takes ownership of the network: it stays in evaluation mode, is moved to its device, and is freed with the source.
   * `prepare` converts normalised crops to the kind of input on which the network was trained.
   */
  constructor(
    protected readonly network: N,
    private readonly prepare: (crops: Tensor) => Tensor = (crops) => crops,
    private readonly compute: Compute = onCpu,
  ) {
    place(network, compute).eval().setRequiresGrad(false);
  }

  /** The saliency of each of the network's places, `[B, 3, H, W]` to `[B, 1, h, w]`. */
  protected abstract read(input: Tensor): Tensor;

  /** If the network has another number of places, they are averaged over the cells, or interpolated. */
  maps(crops: Tensor, { rows, cols }: MapSize): Tensor {
    return noGrad(() =>
      scope(() => {
        const places = runLayers(this.compute, this.prepare(crops), (input) => this.read(input)); // [B, 1, h, w]
        return resize(places, [rows, cols]).squeeze(1); // [B, rows, cols]
      }),
    );
  }

  dispose(): void {
    this.network.dispose();
  }
}
