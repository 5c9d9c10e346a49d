/**
 * Salmask as a library. These exports are stable: the tasks of the command line, their parts, and everything that is
 * needed to add a method, a fill or a saliency source. Importing this module changes nothing in the process.
 */

// Tasks

export {
  type AnalyseOptions,
  type Analysis,
  type AnalysisCounts,
  analyse,
  type Outcome,
} from "./analysis/analyse.js";
export type { GivenEncoder } from "./analysis/encoders.js";
export type {
  BarsPlot,
  HeatPlot,
  LinesPlot,
  Measured,
  MeasureSheet,
  MeasureTable,
  NamedValues,
  Picture,
  Plot,
  TableColumn as MeasureColumn,
  ValueKind,
} from "./analysis/measured.js";
export type { MeasureName } from "./analysis/measures/registry.js";
export type { PhotosFrom } from "./analysis/photos.js";
export { type DetectedPhoto, type DetectOptions, detect, type PhotoNames } from "./tasks/detect/detect.js";
export { type DetectionScores, type EvaluateOptions, evaluateDetector } from "./tasks/detect/evaluate.js";
export { type DetectConfig, detectSettings } from "./tasks/detect/settings.js";
export { type TrainDetectorOptions, trainDetector } from "./tasks/detect/train.js";
export { type EmbedOptions, embed } from "./tasks/embed/embed.js";
export { readEmbeddings, saveEmbeddings } from "./tasks/embed/files.js";
export type { PhotoEmbeddings } from "./tasks/embed/photo-embeddings.js";
export { type FinetuneOptions, finetune } from "./tasks/finetune/finetune.js";
export { type FinetuneConfig, finetuneSettings } from "./tasks/finetune/settings.js";
export {
  type LabelledPhoto as PhotoLabel,
  type LabelOptions,
  type LabelResult,
  labelPhotos,
} from "./tasks/label/label.js";
export { type LocalizerOptions, type LocalizerSummary, trainLocalizer } from "./tasks/localize/localizer.js";
export { type PretrainOptions, pretrain } from "./tasks/pretrain/pretrain.js";
export {
  type OwnParts,
  type PretrainBatch,
  PretrainTask,
  type PretrainTaskOptions,
} from "./tasks/pretrain/task.js";
export { extractFeatures, type FeatureOptions } from "./tasks/probe/features.js";
export {
  type LinearProtocol,
  type OpenProbeData,
  type ProbeOptions,
  type ProbeResult,
  probe,
} from "./tasks/probe/probe.js";
export { type ProbeRunOptions, probeRun } from "./tasks/probe/probe-run.js";
export {
  type Duplicate,
  type DuplicatesOptions,
  type DuplicatesResult,
  findDuplicates,
} from "./tasks/search/duplicates.js";
export {
  type FoundPhoto,
  type Neighbour,
  type PhotoSource,
  type SearchOptions,
  type SearchResult,
  search,
} from "./tasks/search/search.js";
export {
  type AskedMeasures,
  type GivenPlan,
  type GivenSetting,
  type PlanPhotos,
  type PlanRow,
  type PlanSet,
  readTransferPlan,
  type TransferPlan,
} from "./transfer/plan.js";
export type { TableCell, TableColumn, TableRow, TransferTable } from "./transfer/table.js";
export { type TransferOptions, transfer } from "./transfer/transfer.js";

// Settings, events and errors

export {
  CheckpointError,
  DataError,
  InterruptedError,
  SalmaskError,
  TrainingError,
  UsageError,
} from "./base/errors.js";
export type { LogEntry, Report, RunEvent } from "./base/events.js";
export { type LoggedSeconds, type Stage, StageClock, type StageSeconds } from "./base/stage-clock.js";
export { type BatchNormRows, type Compute, computeOf, type Found, onCpu } from "./compute/compute.js";
export type { ComputeSettings } from "./compute/settings.js";
export { type ConfigSources, loadConfig, loadSettings } from "./config/load.js";
export { configSchema, pretrainSettings, type RunConfig } from "./config/schema.js";
export type { SettingsKind } from "./config/settings-kind.js";
export { ProcessRanks, type ProcessRanksOptions } from "./ranks/process-ranks.js";
export { type GradientReducer, oneRank, type Ranks } from "./ranks/ranks.js";

// Several processes

export { type Environment, type Place, placeIn } from "./ranks/environment.js";
export { joinRanks } from "./ranks/join.js";
export type { Membership } from "./ranks/membership.js";

// The folder of a run

export type { Lock } from "./runs/lock.js";
export type { MetricsLog } from "./runs/metrics-log.js";
export type {
  DemoSummary,
  DetectSummary,
  FinetuneSummary,
  PretrainSummary,
  ProbeRecord,
  Summary,
} from "./runs/records.js";
export { RunFolder } from "./runs/run-folder.js";

// Photos and data sets

export {
  type EmbeddedAnnotation,
  type EmbeddedAnnotations,
  type EmbeddedSummary,
  generateEmbedded,
} from "./data/embedded/generate.js";
export { generateObjects, type ObjectsSummary } from "./data/embedded/generate-objects.js";
export type { DrawingOptions } from "./data/embedded/generated-folder.js";
export type { EmbeddedOptions } from "./data/embedded/options.js";
export type { Box } from "./data/samples/box.js";
export type { LabelBudget } from "./data/samples/label-budget.js";
export type { AnnotatedPhoto, AnnotatedPhotos, Category, PhotoObject } from "./data/samples/objects.js";
export type { Rle } from "./data/samples/rle.js";
export type { Samples } from "./data/samples/samples.js";
export type { Segmentation } from "./data/samples/segmentation.js";
export type {
  AnnotatedSet,
  AnnotatedSplit,
  DataSet,
  LabelledPhoto,
  LabelledSet,
  OfficialCounts,
  ReadObjects,
  SetOptions,
  SplitName,
} from "./data/sets/data-set.js";
export { type Fault, type FaultCode, type Faults, FaultyDataError } from "./data/sets/faults.js";
export { readObjects, type UseObjects } from "./data/sets/read-objects.js";
export { openSet, type UsableSet, type UseSet } from "./data/sets/registry.js";
export type { Mixing } from "./data/shards/epoch-plan.js";
export { type FoundShards, findShards } from "./data/shards/find-shards.js";
export type { Patience } from "./data/shards/http-shard.js";
export { type OpenShards, openShards, type StreamedDataset } from "./data/shards/open-shards.js";
export type { Share } from "./data/shards/share.js";
export type {
  ImageSource,
  SkippedImage,
  SourceImage,
  SourceLabels,
  SourceSummary,
} from "./data/sources/image-source.js";
export { type OpenOptions, openDataset, type PackedDataset, type Rebuild } from "./data/store/dataset.js";
export type { PackProgress } from "./data/store/pack.js";
export type { OrderKey, PhotoStream, Release } from "./data/store/photo-stream.js";
export type { SizeOptions } from "./data/store/square-size.js";
export type { Squares } from "./data/store/squares.js";
export type { PhotoContent, RgbImage } from "./image/decode.js";

// Encoders and detectors

export type { Detector } from "./detection/rcnn.js";
export type { FoundObjects } from "./detection/roi-heads.js";
export type { ExportedDetectorDescription, TorchvisionDetector } from "./export/detector.js";
export type { EncoderDescription, ExportedInput } from "./export/encoder.js";
export { type ExportDescription, type Exported, type ExportOptions, exportRun } from "./export/export-run.js";
export type { Checked } from "./export/onnx/check.js";
export type { ExportTarget, PixelType } from "./export/targets.js";
export type { TorchvisionNetwork } from "./export/torchvision.js";
export { Backbone, type BackboneSpec, type FeatureLevel } from "./models/backbone.js";
export { createBackbone, strideOf } from "./models/registry.js";
export type { ModelSettings } from "./models/settings.js";
export type { DetectorDescription } from "./weights/detector-description.js";
export { type LoadedDetector, loadDetector } from "./weights/detector-files.js";
export { loadBackbone, saveBackbone } from "./weights/files.js";
export { type ImportedBackbone, type ImportOptions, importBackbone } from "./weights/import.js";
export { inputOf, type WeightsInput } from "./weights/metadata.js";

// Methods of your own

export {
  type EmbeddedNegatives,
  embedded,
  type HardNegatives,
  type NegativeOptions,
} from "./masking/hard-negatives.js";
export type { Compare, Comparison, Embeddings, Method } from "./ssl/method.js";
export type { HostSettings, MethodMaker } from "./ssl/method-maker.js";
export type { Occluded } from "./ssl/occlusion/occlusion.js";
export { builtInMethods } from "./ssl/registry.js";
export type { OptimizerName, UsualOptimizer } from "./training/optimizer.js";
export type { ViewDraw } from "./views/draw.js";
export { unmasked, type ViewKind, type ViewMask, type ViewRecipe } from "./views/recipe.js";
export { type Crops, type ObjectFinder, type Scene, seeViews } from "./views/see.js";
export type { ViewDifferences, ViewOptions } from "./views/settings.js";
export type { BatchKey, BatchViews, View } from "./views/view.js";

// Fills and saliency sources of your own

export type { MaskRole, NegativeLoss } from "./masking/cells.js";
export type { MaskDraw, MaskKey, MaskShapes, Window } from "./masking/draw.js";
export { cellsOnly, type Fill, type FillContext } from "./masking/fills/fill.js";
export { fillOf } from "./masking/fills/registry.js";
export type { Foreground } from "./masking/foreground.js";
export { type Grid, gridFor, maskGrid } from "./masking/grid.js";
export type { MaskOptions } from "./masking/mask.js";
export type { MaskSettings } from "./masking/settings.js";
export { openSource, type SourceOptions } from "./saliency/open.js";
export type { SaliencySettings } from "./saliency/settings.js";
export type { LateSaliencySource, MapSize, SaliencySource } from "./saliency/source.js";

// Tasks of your own

export { resumeFrom } from "./training/checkpoint.js";
export type { Checkpoint, Position } from "./training/position.js";
export type { Learner, Logs, Loss, Progress, Schedule, Task, TaskState } from "./training/task.js";
export {
  type Checkpoints,
  type KnnScoring,
  restore,
  type Trained,
  type TrainOptions,
  train,
} from "./training/trainer.js";

// Measures

export type { Estimate } from "./base/statistics.js";
export { CocoMetric, type CocoResult, type CocoScores } from "./metrics/average-precision/coco.js";
export type {
  Detection,
  DetectionMetricOptions,
  ScoredPhoto,
  Truth,
} from "./metrics/average-precision/detection.js";
export { type VocForms, VocMetric, type VocResult, type VocScores } from "./metrics/average-precision/voc.js";
export type { ClassificationScores } from "./metrics/classification.js";
