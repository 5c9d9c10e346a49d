export { AdamW } from "./adamw.js";
export { LARS } from "./lars.js";
export {
  type GroupOptions,
  type GroupSettings,
  type Learned,
  type NamedParameters,
  Optimizer,
  type ParamGroup,
} from "./optimizer.js";
export { cosine, multiStep, type Schedule, warmUp } from "./schedule.js";
export { SGD } from "./sgd.js";
