/**
 * Renders the pixels of a view: applies the decisions of `drawView` to a whole batch, in the order of MoCo v2 and of
 * the paper's released code: crop and resize, colour jitter, grey, blur, solarization, flip, normalisation. The flip
 * commutes with everything after the crop, so it is part of the crop.
 */
import { empty, noGrad, scope, type Tensor } from "@salmask/torch";
import { SalmaskError } from "../base/errors.js";
import { chunkSize } from "../image/chunks.js";
import { IMAGENET_NORMALIZATION, type Normalization, normalize } from "../image/normalize.js";
import { blurView } from "./blur.js";
import { colorJitter } from "./color-jitter.js";
import { cropResize } from "./crop-resize.js";
import { sliceDraw, type ViewDraw } from "./draw.js";
import { grayscale } from "./grayscale.js";
import { solarizeView } from "./solarize.js";

export interface RenderOptions extends Partial<Normalization> {
  /** Side of the view in pixels. */
  crop: number;
}

/**
 * Renders the drawn views.
 *
 * @param images uint8 [B, 3, S, S], the stored squares.
 * @returns float32 [B, 3, crop, crop] on the images' device, normalised (default: ImageNet's mean and standard
 *   deviation).
 * @throws SalmaskError `bad-shape` if the images do not match the draw.
 */
export function renderView(images: Tensor, draw: ViewDraw, options: RenderOptions): Tensor {
  const { crop, ...normalization } = options;
  const expected = [draw.count, 3, draw.size, draw.size];
  if (images.dtype !== "uint8" || images.shape.join() !== expected.join()) {
    throw new SalmaskError(
      "bad-shape",
      `Expected uint8 images [${expected.join(", ")}], as the view was drawn for, got ${images}.`,
    );
  }
  const numel = 3 * Math.max(crop, draw.size) ** 2;
  const size = chunkSize(draw.count, numel, images.device);
  return noGrad(() =>
    scope(() => {
      const views = empty([draw.count, 3, crop, crop], { device: images.device }); // [B, 3, crop, crop]
      for (let start = 0; start < draw.count; start += size) {
        const length = Math.min(size, draw.count - start);
        scope(() => {
          const chunk = renderChunk(
            images.narrow(0, start, length),
            sliceDraw(draw, start, start + length),
            crop,
          );
          views
            .narrow(0, start, length)
            .copy_(normalize(chunk, { ...IMAGENET_NORMALIZATION, ...normalization }));
        });
      }
      return views;
    }),
  );
}

/** uint8 [n, 3, S, S] to float32 [n, 3, crop, crop] in [0, 1]. */
function renderChunk(images: Tensor, draw: ViewDraw, crop: number): Tensor {
  const views = cropResize(images.to({ dtype: "float32" }).div_(255), draw, crop); // [n, 3, crop, crop]
  colorJitter(views, draw);
  grayscale(views, draw.gray);
  blurView(views, draw.blurSigma);
  solarizeView(views, draw.solarize);
  return views;
}
