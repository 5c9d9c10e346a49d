/** torchvision's operators on boxes and regions. */
export { nms } from "./nms.js";
export {
  type RoiAlignOptions,
  type RoiLevel,
  type RoiPooling,
  roiAlign,
  roiAlignOfLevels,
} from "./roi-align.js";
export { type Torchvision, torchvision } from "./torchvision.js";
