import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import { bell } from "./bell.js";
import type { MapSize, SaliencySource } from "./source.js";

/** Standard deviation of the bell, as a share of the side. */
const spread = 0.25;

/** A control with only the centre bias of photographs: a Gaussian bell in the centre, the same for every crop. */
export class CentreSource implements SaliencySource {
  readonly name = "centre";

  maps(crops: Tensor, { rows, cols }: MapSize): Tensor {
    return scope(() => {
      const one = fromTypedArray(bell(rows, cols, spread), [1, rows, cols], { device: crops.device }); // [1, rows, cols]
      return one.repeat([crops.shape[0], 1, 1]); // [B, rows, cols]
    });
  }

  dispose(): void {}
}
