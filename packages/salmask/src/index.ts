/** Salmask as a library: what the command line does, and the parts to build other things from. */

export * from "./base/errors.js";
export { loadConfig } from "./config/load.js";
export { configSchema, type RunConfig } from "./config/schema.js";
export { generateEmbedded } from "./data/embedded/generate.js";
export { openDataset, type PackedDataset } from "./data/store/dataset.js";
export { maskViews } from "./masking/mask.js";
export { resnet } from "./models/resnet.js";
export { type PretrainSummary, pretrain } from "./tasks/pretrain/pretrain.js";
export { type ProbeResult, probe } from "./tasks/probe/probe.js";
export { probeRun } from "./tasks/probe/probe-run.js";
export * from "./views/index.js";
export { loadBackbone } from "./weights/files.js";
