export { AdamW } from "./adamw.js";
export { LARS } from "./lars.js";
export { Optimizer } from "./optimizer.js";
export { cosine, multiStep, type Schedule, warmUp } from "./schedule.js";
export { SGD } from "./sgd.js";
