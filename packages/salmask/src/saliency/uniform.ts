import { ones, type Tensor } from "@salmask/torch";
import type { MapSize, SaliencySource } from "./source.js";

/** A control without information: every cell belongs to the object, so masks are random. */
export class UniformSource implements SaliencySource {
  readonly name = "uniform";

  maps(crops: Tensor, { rows, cols }: MapSize): Tensor {
    return ones([crops.shape[0], rows, cols], { device: crops.device }); // [B, rows, cols]
  }

  dispose(): void {}
}
