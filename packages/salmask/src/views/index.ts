/** The two views: what to do is drawn on the host (`drawView`), pixels are made on the device (`renderView`). */

export { fittingKernel, gaussianBlur, gaussianWeights } from "../image/gaussian-blur.js";
export { IMAGENET_NORMALIZATION, type Normalization, normalize } from "../image/normalize.js";
export { cropMaps } from "./crop-maps.js";
export {
  centralView,
  drawView,
  JITTER_OPERATIONS,
  sliceDraw,
  type ViewDraw,
  type ViewKey,
  wholeView,
} from "./draw.js";
export { type RenderOptions, renderView } from "./render.js";
export { MOCO_V2_VIEW, type ViewOptions } from "./settings.js";
