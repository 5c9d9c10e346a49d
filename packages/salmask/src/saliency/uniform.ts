import { ones, type Tensor } from "@salmask/torch";
import type { MapSize, SaliencySource } from "./source.js";

/** The control that says nothing: every cell is the object's, so that masks fall as if at random. */
export class UniformSource implements SaliencySource {
  readonly name = "uniform";

  maps(crops: Tensor, { rows, cols }: MapSize): Tensor {
    return ones([crops.shape[0], rows, cols], { device: crops.device }); // [B, rows, cols]
  }

  dispose(): void {}
}
