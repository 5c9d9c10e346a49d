/** Region of interest alignment: He et al. 2017, "Mask R-CNN", section 3. */
import { callTensor } from "../dispatch.js";
import { zeros } from "../factories.js";
import { Operator } from "../operator.js";
import * as ops from "../ops.generated.js";
import { scope } from "../scope.js";
import { fromTypedArray, type Tensor } from "../tensor.js";
import { torchvisionComputesOn } from "./torchvision.js";

/** How the features of a region become a grid of fixed size. */
export interface RoiPooling {
  /** Rows and columns of what comes out. */
  readonly outputSize: readonly [number, number];
  /** Samples of a bin along each side; 0: as many as it has places, rounded up. */
  readonly samplingRatio: number;
  /** Whether a pixel's middle is half a pixel from its corner (Detectron2's second version); torchvision's default is not. */
  readonly aligned: boolean;
}

/** The options of {@link roiAlign}. */
export interface RoiAlignOptions extends RoiPooling {
  /** Places of the input per unit of a box's coordinates. */
  readonly spatialScale: number;
}

/** Feature maps of one level of a pyramid. */
export interface RoiLevel {
  /** `[B, C, H, W]`; B and C are those of every level. */
  readonly maps: Tensor;
  /** Places of the maps per unit of a box's coordinates. */
  readonly spatialScale: number;
}

const opRoiAlign = new Operator("torchvision::roi_align", "");

/**
 * Means of bilinear samples in the bins of each region: input `[B, C, H, W]` and regions `[R, 5]` (the picture's place in the
 * batch, left, top, right, bottom) to `[R, C, rows, columns]`. Gradients go to the input alone. In float32 on a CPU by a kernel of
 * our own (native/roi_align.cc), whose output has channels last; else by torchvision's operator where there is one for the device
 * and by tensor operators where there is none.
 */
export function roiAlign(input: Tensor, rois: Tensor, options: RoiAlignOptions): Tensor {
  const { outputSize, spatialScale, samplingRatio, aligned } = options;
  if (isForKernel(input)) {
    const levels = zeros([rois.shape[0]], { dtype: "int64" }); // [R]
    return roiAlignOfLevels([{ maps: input, spatialScale }], rois, levels, options);
  }
  if (!torchvisionComputesOn(input.device)) return roiAlignByTensors(input, rois, options);
  return callTensor(
    opRoiAlign,
    input.handle,
    rois.handle,
    spatialScale,
    outputSize[0],
    outputSize[1],
    samplingRatio,
    aligned,
  );
}

/** {@link roiAlign} of regions `[R, 5]` that each belong to one of the levels, by its number: int64 `[R]`. */
export function roiAlignOfLevels(
  levels: readonly RoiLevel[],
  rois: Tensor,
  levelOf: Tensor,
  pooling: RoiPooling,
): Tensor {
  if (levels.every(({ maps }) => isForKernel(maps))) {
    const { outputSize, samplingRatio, aligned } = pooling;
    const maps = levels.map((level) => level.maps);
    const scales = levels.map(({ spatialScale }) => spatialScale);
    return ops.fastRoiAlign(maps, rois, levelOf, scales, ...outputSize, samplingRatio, aligned);
  }
  return scope(() => {
    const places = levels.map((_, level) => levelOf.eq(level).nonzero().squeeze(1)); // [of the level] each
    const pooled = levels.map(({ maps, spatialScale }, level) =>
      roiAlign(maps, rois.indexSelect(0, places[level]), { ...pooling, spatialScale }),
    );
    const [, back] = ops.cat(places).sort(); // [R]
    return ops.cat(pooled).indexSelect(0, back); // [R, C, rows, columns]
  });
}

function isForKernel({ device, dtype, shape }: Tensor): boolean {
  return device === "cpu" && dtype === "float32" && !shape.includes(0);
}

/**
 * {@link roiAlign} by tensor operators: every bin is a weighted sum of the places that its samples lie between, which is what
 * libtorch's bags of embeddings compute, forward and back.
 */
export function roiAlignByTensors(input: Tensor, rois: Tensor, options: RoiAlignOptions): Tensor {
  const [batch, channels, height, width] = input.shape;
  const [rows, columns] = options.outputSize;
  const count = rois.shape[0];
  const { places, weights, starts } = bagsOf(rois.toFloat32Array(), [batch, height, width], options);
  const { device } = input;
  return scope(() => {
    const table = input.permute([0, 2, 3, 1]).reshape([batch * height * width, channels]); // [B H W, C]
    if (count === 0) return table.narrow(0, 0, 0).reshape([0, channels, rows, columns]);
    const [sums] = ops.embeddingBag(
      table,
      fromTypedArray(places, [places.length], { device }),
      fromTypedArray(starts, [starts.length], { device }),
      { perSampleWeights: fromTypedArray(weights, [weights.length], { device }).to({ dtype: input.dtype }) },
    ); // [R rows columns, C]
    return sums.reshape([count, rows, columns, channels]).permute([0, 3, 1, 2]).contiguous(); // [R, C, rows, columns]
  });
}

/** The places of one line that a bin's samples lie between, each once, and their shares of the bin. */
interface Bin {
  readonly at: number[];
  readonly share: number[];
}

/** A region's bins along one side of the input, `side` places long. Sizes are float32, as in torchvision's kernel. */
function binsAlong(from: number, to: number, bins: number, side: number, options: RoiAlignOptions): Bin[] {
  const { spatialScale, samplingRatio, aligned } = options;
  const scale = Math.fround(spatialScale);
  const shift = aligned ? 0.5 : 0;
  const start = Math.fround(Math.fround(from * scale) - shift);
  const length = Math.fround(Math.fround(Math.fround(to * scale) - shift) - start);
  const size = aligned ? length : Math.max(length, 1);
  const step = Math.fround(size / bins);
  const samples = samplingRatio > 0 ? samplingRatio : Math.ceil(step);
  return Array.from({ length: bins }, (_, bin) => {
    const at: number[] = [];
    const share: number[] = [];
    const add = (place: number, weight: number) => {
      const known = at.indexOf(place);
      if (known >= 0) share[known] += weight;
      else {
        at.push(place);
        share.push(weight);
      }
    };
    for (let i = 0; i < samples; i++) {
      const position = start + bin * step + ((i + 0.5) * step) / samples;
      // A sample more than one place outside is 0.
      if (position < -1 || position > side) continue;
      const inside = Math.min(Math.max(position, 0), side - 1);
      const low = Math.floor(inside);
      const part = inside - low;
      add(low, (1 - part) / samples);
      if (part > 0) add(low + 1, part / samples);
    }
    return { at, share };
  });
}

/** Bins of all regions as bags: where in the input `[B H W]`, with which weight, and where each bin's begin. */
function bagsOf(
  rois: Float32Array,
  [batch, height, width]: readonly [number, number, number],
  options: RoiAlignOptions,
): { places: BigInt64Array; weights: Float32Array; starts: BigInt64Array } {
  const [rows, columns] = options.outputSize;
  const count = rois.length / 5;
  const starts = new BigInt64Array(count * rows * columns);
  const places: number[] = [];
  const weights: number[] = [];
  for (let roi = 0; roi < count; roi++) {
    const [picture, left, top, right, bottom] = rois.subarray(5 * roi, 5 * roi + 5);
    if (!Number.isInteger(picture) || picture < 0 || picture >= batch)
      throw new RangeError(
        `Expected regions of the batch's ${batch} pictures, got one of picture ${picture}.`,
      );
    const down = binsAlong(top, bottom, rows, height, options);
    const across = binsAlong(left, right, columns, width, options);
    for (let bin = 0; bin < rows * columns; bin++) {
      starts[roi * rows * columns + bin] = BigInt(places.length);
      const [y, x] = [down[Math.floor(bin / columns)], across[bin % columns]];
      for (let i = 0; i < y.at.length; i++) {
        for (let j = 0; j < x.at.length; j++) {
          places.push((picture * height + y.at[i]) * width + x.at[j]);
          weights.push(y.share[i] * x.share[j]);
        }
      }
    }
  }
  return { places: BigInt64Array.from(places, BigInt), weights: Float32Array.from(weights), starts };
}
