/** How strongly the filters of a first layer answer to the borders of masked cells. */
import { noGrad, ones, ops, scope, type Tensor } from "@salmask/torch";

/** How a convolution moves over a picture. */
export interface ConvolutionWindow {
  /** Side of its square window, in pixels. */
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** The filters of a first layer. */
export interface FirstFilters extends ConvolutionWindow {
  /** `[filters, 3, kernel, kernel]` */
  readonly weight: Tensor;
}

/**
 * How strongly filters answer to changes within their windows: the mean size of the responses of filters that have lost their mean
 * in each colour, and so do not answer to brightness. `[B, 3, H, W]` to `[B, 1, h, w]`.
 */
export function changeResponse(pictures: Tensor, { weight, stride, padding }: FirstFilters): Tensor {
  return noGrad(() =>
    scope(() => {
      const changes = weight.sub(weight.mean([2, 3], { keepdim: true })); // [filters, 3, kernel, kernel]
      const responses = ops.conv2d(pictures, changes, { stride, padding }); // [B, filters, h, w]
      return responses.abs().mean([1], { keepdim: true });
    }),
  );
}

/** Where windows lie, float32 `[B, 1, h, w]` each, 1 or 0. Windows that reach over the picture's edge are in neither. */
export interface WindowPlaces {
  /** They hold masked and unmasked pixels. */
  readonly border: Tensor;
  /** They hold only masked, or only unmasked pixels. */
  readonly inside: Tensor;
}

/** Sorts the windows of a convolution by what of a mask they hold. `mask` is float32 `[B, 1, H, W]`, 1 where pixels are masked. */
export function windowPlaces(mask: Tensor, { kernel, stride, padding }: ConvolutionWindow): WindowPlaces {
  return noGrad(() =>
    scope(() => {
      const window = ones([1, 1, kernel, kernel]);
      const countIn = (pixels: Tensor) => ops.conv2d(pixels, window, { stride, padding }); // [B, 1, h, w]
      const masked = countIn(mask);
      const all = kernel * kernel;
      const isWhole = countIn(ones(mask.shape)).gt(all - 0.5); // [B, 1, h, w]
      const isMixed = masked.gt(0.5).logicalAnd(masked.lt(all - 0.5)); // [B, 1, h, w]
      const float = (places: Tensor) => places.to({ dtype: "float32" });
      return {
        border: float(isWhole.logicalAnd(isMixed)),
        inside: float(isWhole.logicalAnd(isMixed.logicalNot())),
      };
    }),
  );
}

/** Sums over places, from which means over several batches are made. */
export interface PlaceSum {
  readonly sum: number;
  readonly count: number;
}

/** `values` and `places` are `[B, 1, h, w]`. */
export function sumAt(values: Tensor, places: Tensor): PlaceSum {
  return scope(() => ({ sum: values.mul(places).sum().item(), count: places.sum().item() }));
}

/** The mean over all sums; null where there is no place. */
export function meanOfSums(sums: readonly PlaceSum[]): number | null {
  const count = sums.reduce((total, part) => total + part.count, 0);
  return count === 0 ? null : sums.reduce((total, part) => total + part.sum, 0) / count;
}

/** How far features move for their size: `|b - a| / |a|` for each photo of `[B, C, h, w]`. */
export function relativeShift(a: Tensor, b: Tensor): number[] {
  return noGrad(() =>
    scope(() => {
      const [batch] = a.shape;
      const length = (features: Tensor) => features.reshape([batch, -1]).norm(2, [1]); // [B]
      return length(b.sub(a)).div(length(a).clampMin(1e-12)).toArray();
    }),
  );
}
