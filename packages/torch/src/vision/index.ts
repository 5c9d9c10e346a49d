/** torchvision's operators on boxes and regions. */
export { nms } from "./nms.js";
export { type RoiAlignOptions, roiAlign } from "./roi-align.js";
export { type Torchvision, torchvision } from "./torchvision.js";
