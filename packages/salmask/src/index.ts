/**
 * Salmask as a library. These exports are stable: the tasks of the command line, their parts, and everything that is
 * needed to add a method, a fill or a saliency source. Importing this module changes nothing in the process.
 */

// Looking at encoders
export { type AnalyseOptions, type Analysis, analyse } from "./analysis/analyse.js";
// Running tasks
export {
  CheckpointError,
  DataError,
  InterruptedError,
  SalmaskError,
  TrainingError,
  UsageError,
} from "./base/errors.js";
export type { LogEntry, Report, RunEvent } from "./base/events.js";
// Encoders
export { type Compute, computeOf, onCpu } from "./compute/compute.js";
export { loadConfig } from "./config/load.js";
export { configSchema, type RunConfig } from "./config/schema.js";
// Photos
export { generateEmbedded } from "./data/embedded/generate.js";
export { generateObjects } from "./data/embedded/generate-objects.js";
export type { EmbeddedOptions } from "./data/embedded/options.js";
export type { Box } from "./data/samples/box.js";
export type { AnnotatedPhotos, PhotoObject } from "./data/samples/objects.js";
export type { Rle } from "./data/samples/rle.js";
export type { AnnotatedSet, DataSet, LabelledSet, SetOptions } from "./data/sets/data-set.js";
export { type Fault, FaultyDataError } from "./data/sets/faults.js";
export { readObjects } from "./data/sets/read-objects.js";
export { openSet } from "./data/sets/registry.js";
export { openDataset, type PackedDataset } from "./data/store/dataset.js";
// Taking encoders elsewhere
export { type Exported, type ExportOptions, exportRun } from "./export/export-run.js";
export type { ExportTarget, PixelType } from "./export/targets.js";
// Fills and saliency
export type { Fill, FillContext } from "./masking/fills/fill.js";
export { fillOf } from "./masking/fills/registry.js";
export { type Grid, gridFor } from "./masking/grid.js";
// Methods
export type { EmbeddedNegatives, HardNegatives } from "./masking/hard-negatives.js";
export { embedded } from "./masking/hard-negatives.js";
// How well objects are found
export { CocoMetric, type CocoResult, type CocoScores } from "./metrics/average-precision/coco.js";
export type {
  Detection,
  DetectionMetricOptions,
  ScoredPhoto,
} from "./metrics/average-precision/detection.js";
export {
  type VocForms,
  VocMetric,
  type VocResult,
  type VocScores,
} from "./metrics/average-precision/voc.js";
export { Backbone, type BackboneSpec, type FeatureLevel } from "./models/backbone.js";
export { createBackbone, strideOf } from "./models/registry.js";
export type { ProbeRecord, Summary } from "./runs/records.js";
export { RunFolder } from "./runs/run-folder.js";
export { openSource } from "./saliency/open.js";
export type { LateSaliencySource, MapSize, SaliencySource } from "./saliency/source.js";
export type { Compare, Comparison, Embeddings, Method } from "./ssl/method.js";
export type { HostSettings, MethodMaker } from "./ssl/method-maker.js";
export { builtInMethods } from "./ssl/registry.js";
export { type DetectedPhoto, type DetectOptions, detect } from "./tasks/detect/detect.js";
export { type DetectionScores, type EvaluateOptions, evaluateDetector } from "./tasks/detect/evaluate.js";
export { type TrainDetectorOptions, trainDetector } from "./tasks/detect/train.js";
export { type FinetuneOptions, finetune } from "./tasks/finetune/finetune.js";
export { type LocalizerOptions, type LocalizerSummary, trainLocalizer } from "./tasks/localize/localizer.js";
export { type PretrainOptions, pretrain } from "./tasks/pretrain/pretrain.js";
export { type OwnParts, PretrainTask, type PretrainTaskOptions } from "./tasks/pretrain/task.js";
export { extractFeatures, type FeatureOptions } from "./tasks/probe/features.js";
export { type ProbeOptions, type ProbeResult, probe } from "./tasks/probe/probe.js";
export { type ProbeRunOptions, probeRun } from "./tasks/probe/probe-run.js";
export { resumeFrom } from "./training/checkpoint.js";
// Training in general
export type { Learner, Logs, Loss, Progress, Schedule, Task, TaskState } from "./training/task.js";
export { restore, type Trained, type TrainOptions, train } from "./training/trainer.js";
// Encoders on other sets
export { type GivenPlan, readTransferPlan, type TransferPlan } from "./transfer/plan.js";
export type { TransferTable } from "./transfer/table.js";
export { type TransferOptions, transfer } from "./transfer/transfer.js";
// What a task's views are made of
export { unmasked, type ViewKind, type ViewMask, type ViewRecipe } from "./views/recipe.js";
export { type Crops, type ObjectFinder, type Scene, seeViews } from "./views/see.js";
export type { ViewOptions } from "./views/settings.js";
export type { BatchKey, BatchViews, View } from "./views/view.js";
export { loadBackbone, saveBackbone } from "./weights/files.js";
export { inputOf, type WeightsInput } from "./weights/metadata.js";
