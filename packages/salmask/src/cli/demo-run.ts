import { join } from "node:path";
import { InterruptedError } from "../base/errors.js";
import { type Report, silent } from "../base/events.js";
import { configSchema, type RunConfig } from "../config/schema.js";
import { generateEmbedded } from "../data/embedded/generate.js";
import { sheetOfPhotos } from "../report/views-of-photos.js";
import type { DemoSummary } from "../runs/records.js";
import { RunFolder } from "../runs/run-folder.js";
import { pretrain } from "../tasks/pretrain/pretrain.js";
import { probeRun } from "../tasks/probe/probe-run.js";

/**
 * The full method at a size for two cores and two minutes: small pictures, a narrow encoder, few epochs. The drawings'
 * colours identify their classes, so colour jitter is mild. In so few steps the key encoder must change slowly, because
 * otherwise a query can recognise old keys by their age. With so short a queue, a hard negative at rho 2 would outweigh
 * all other keys.
 */
const demoSettings = {
  // The documented results were measured in float32, so the processor must not decide.
  precision: "float32",
  data: { crop: 32, size: 64 },
  model: { arch: "resnet18", width: 8, stem: "small" },
  method: { queue: 512, momentum: 0.996, temperature: 0.1, dim: 64, groups: 4 },
  augment: {
    brightness: 0.2,
    contrast: 0.2,
    saturation: 0.2,
    hue: 0.03,
    grayscaleProbability: 0,
    blurProbability: 0,
  },
  mask: { negative: { weight: 1 } },
  saliency: { source: "own", warmupEpochs: 3, scope: "photo", threshold: { rule: "deviations" } },
  train: { epochs: 16, batchSize: 64, lr: 0.03, logEvery: 31, checkpointEvery: 4 },
};

/**
 * Generates the embedded data set beside `out`, pre-trains with the full method, draws its views, probes, and leaves
 * `summary.json`, `views.png` and the weights in `out`. Files of an earlier run are removed first. Refuses a folder
 * that does not belong to a run.
 */
export async function demo(options: {
  out: string;
  /** Whether TensorBoard's event files are written too. Default false. */
  tensorboard?: boolean;
  signal?: AbortSignal;
  report?: Report;
}): Promise<DemoSummary> {
  const { out, tensorboard, signal, report = silent } = options;
  const started = performance.now();
  const folder = new RunFolder(out);
  folder.refuseForeign();
  {
    // A run that another process writes is refused before any file of it is gone.
    using _lock = folder.lock();
    folder.clear();
  }
  const data = join(out, "..", "embedded");
  const saliency = { ...demoSettings.saliency, truth: join(data, "masks", "train") };
  const config: RunConfig = configSchema.parse({ ...demoSettings, saliency });
  report({ kind: "note", message: `generating the embedded data set in ${data}` });
  const made = await generateEmbedded(data, {}, { signal, report });
  const train = join(data, "train");

  const { weights } = await pretrain({
    photos: train,
    out,
    config,
    resume: false,
    tensorboard,
    signal,
    report,
  }).catch((error: unknown) => {
    if (!(error instanceof InterruptedError)) throw error;
    throw new InterruptedError(`The demo was stopped; it starts anew next time. ${out} holds what it left.`);
  });
  const { views } = folder;
  // The run used its own encoder for saliency, so the sheet does too.
  const looking: RunConfig = { ...config, saliency: { ...config.saliency, source: "scda", weights } };
  await sheetOfPhotos({ photos: train, out: views, count: 8, config: looking, signal, report });
  const probed = await probeRun({
    run: out,
    photos: [data],
    protocol: "fast",
    seed: config.seed,
    signal,
    report,
  });
  const summary: DemoSummary = {
    kind: "demo",
    weights,
    views,
    photos: made.options.train,
    epochs: config.train.epochs,
    seconds: (performance.now() - started) / 1000,
    trainPhotos: probed.trainPhotos,
    testPhotos: probed.testPhotos,
    knn: probed.knn,
    linear: probed.linear,
  };
  await folder.writeSummary(summary);
  return summary;
}
