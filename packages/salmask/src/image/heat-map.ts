/** Numbers of places in a picture, as colours. */
import { ops, scope, type Tensor } from "@salmask/torch";

/** A map `[rows, cols]` as a heat map, from dark blue (smallest) to yellow (largest): `[3, rows, cols]`. */
export function heatMap(map: Tensor): Tensor {
  return scope(() => {
    const low = map.amin();
    const range = map.amax().sub(low).clampMin(1e-12);
    return heatColours(map.sub(low).div(range)); // [3, rows, cols]
  });
}

/** Values `[rows, cols]` in [0, 1] as colours, from dark blue (0) to yellow (1): `[3, rows, cols]`. */
export function heatColours(unit: Tensor): Tensor {
  return scope(() => {
    const red = unit.mul(1.1).clamp({ min: 0.05, max: 1 });
    const blue = unit.neg().add(0.6).clamp({ min: 0, max: 1 });
    return ops.stack([red, unit.mul(0.9), blue]); // [3, rows, cols]
  });
}
