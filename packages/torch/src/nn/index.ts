export { BatchNorm, BatchNorm1d, BatchNorm2d } from "./batch-norm.js";
export { Conv2d, type Conv2dOptions } from "./conv.js";
export { GroupNorm } from "./group-norm.js";
export { kaimingNormal_, uniformFanIn_ } from "./init.js";
export { Linear } from "./linear.js";
export { type AnyModule, Module, type StateDict } from "./module.js";
export { AdaptiveAvgPool2d, MaxPool2d } from "./pooling.js";
export { Sequential } from "./sequential.js";
export { Flatten, Identity, ReLU } from "./simple.js";
