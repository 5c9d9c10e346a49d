/** Runs as files, without training: what `salmask watch` reads. */
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

export interface MadeRun {
  readonly lines?: number;
  readonly settings?: string;
  /** Whether a summary says that it has ended. */
  readonly hasEnded?: boolean;
  /** kNN and linear accuracy of a probe. */
  readonly probe?: readonly [number, number];
  readonly hasPictures?: boolean;
  readonly loss?: (step: number) => number;
}

const time = JSON.stringify(new Date().toISOString());
const seconds =
  '{"data":0.01,"augmentation":0.02,"saliency":0.01,"masking":0.01,"forward":0.3,"backward":0.5,"optimizer":0.02}';

/** A line of a log, put together as text, because a hundred thousand are made. */
export function logLine(step: number, loss: number): string {
  const rare = step % 100 === 0 ? ',"queryVariance":0.2,"keyVariance":0.1,"knn":0.3' : "";
  const accuracy = 1 - Math.exp(-step / 1000);
  return (
    `{"step":${step},"epoch":${Math.floor(step / 100)},"time":${time},"lr":0.03,"imagesPerSecond":${100 + (step % 7)},` +
    `"seconds":${seconds},"logs":{"loss":${loss},"contrastAccuracy":${accuracy},"queueFill":${Math.min(1, step / 200)},` +
    `"foregroundShare":0.4${rare},"rank":12}}\n`
  );
}

const falling = (step: number) => 6 * Math.exp(-step / 2000) + 0.1 * Math.sin(step);

export async function makeRun(folder: string, options: MadeRun = {}): Promise<void> {
  const { lines = 300, settings = "version: 2\nseed: 1\n", loss = falling } = options;
  const { hasEnded = false, probe, hasPictures = false } = options;
  await mkdir(join(folder, "checkpoints"), { recursive: true });
  await writeFile(join(folder, "config.yaml"), settings);
  const log = join(folder, "metrics.jsonl");
  await writeFile(log, "");
  for (let step = 1; step <= lines; step += 10_000) {
    const count = Math.min(10_000, lines - step + 1);
    await appendFile(
      log,
      Array.from({ length: count }, (_, i) => logLine(step + i, loss(step + i))).join(""),
    );
  }
  if (hasEnded) await writeFile(join(folder, "summary.json"), JSON.stringify(summary(folder, lines)));
  if (probe !== undefined) {
    const [knn, linear] = probe.map((top1) => ({ top1, randomTop1: 0.2 }));
    const record = {
      photos: ["photos"],
      protocol: "fast",
      seed: 1,
      trainPhotos: 80,
      testPhotos: 20,
      knn,
      linear,
    };
    await writeFile(join(folder, "probes.json"), JSON.stringify([record]));
  }
  if (hasPictures) await makePictures(folder);
}

const summary = (run: string, steps: number) => ({
  kind: "pretrain",
  run,
  photos: "photos",
  images: 100,
  skipped: 0,
  epochs: 3,
  steps,
  stepsHere: steps,
  seconds: 10,
  loss: 1,
  contrastAccuracy: 0.5,
  weights: join(run, "weights.safetensors"),
  checkpoint: null,
});

async function makePictures(folder: string): Promise<void> {
  const [side, columns] = [32, ["photo", "its saliency", "query"]];
  const photos = ["a.jpg", "b.jpg"];
  await plain(join(folder, "views.jpg"), columns.length * side, photos.length * side);
  await writeFile(join(folder, "views.json"), JSON.stringify({ step: 300, side, columns, photos }));
  const placed = Array.from({ length: 12 }, (_, i) => ({
    name: `${i}.jpg`,
    label: i % 2 === 0 ? "cat" : "dog",
    x: (i % 4) / 3,
    y: Math.floor(i / 4) / 2,
  }));
  await plain(join(folder, "map.jpg"), 4 * side, 3 * side);
  await writeFile(join(folder, "map.json"), JSON.stringify({ step: 300, side, across: 4, photos: placed }));
  await mkdir(join(folder, "detections/pictures"), { recursive: true });
  await plain(join(folder, "detections/pictures/street.png"), 64, 48);
}

async function plain(path: string, width: number, height: number): Promise<void> {
  await sharp({ create: { width, height, channels: 3, background: "#3a7" } }).toFile(path);
}
