/** Salmask as a library: what the command line does, and the parts to build other things from. */
export * from "./augment/index.js";
export { loadConfig } from "./config/load.js";
export { configSchema, type RunConfig } from "./config/schema.js";
export { openDataset, type PackedDataset } from "./data/cache.js";
export { generateEmbedded } from "./data/embedded.js";
export * from "./errors.js";
export { type ProbeResult, probe } from "./evaluate/probe.js";
export { probeRun } from "./evaluate/probe-run.js";
export { maskViews } from "./masking/mask.js";
export { resnet } from "./models/resnet.js";
export { loadBackbone } from "./models/weights.js";
export { type PretrainSummary, pretrain } from "./train/pretrain.js";
