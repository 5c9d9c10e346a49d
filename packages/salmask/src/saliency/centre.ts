import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import { bell } from "./bell.js";
import type { MapSize, SaliencySource } from "./source.js";

/** Standard deviation of the bell, in parts of the side. */
const spread = 0.25;

/** The control that holds the photographer's habit alone: a Gaussian bell on the middle, the same for every crop. */
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
