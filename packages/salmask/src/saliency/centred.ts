import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import { bell, helpingSpread } from "./bell.js";
import type { MapSize, SaliencySource } from "./source.js";

/** The maps of a source times a bell in the centre, where photographers place objects. */
export class CentredSource implements SaliencySource {
  readonly name: string;

  /** Takes ownership of the source, whose maps must not be negative. */
  constructor(private readonly source: SaliencySource) {
    this.name = source.name;
  }

  maps(crops: Tensor, size: MapSize): Tensor {
    const { rows, cols } = size;
    return noGrad(() =>
      scope(() => {
        const { device } = crops;
        const weights = fromTypedArray(bell(rows, cols, helpingSpread), [1, rows, cols], { device }); // [1, rows, cols]
        return this.source.maps(crops, size).mul(weights); // [B, rows, cols]
      }),
    );
  }

  dispose(): void {
    this.source.dispose();
  }
}
