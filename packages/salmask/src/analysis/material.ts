/** What measures work on: encoders, photos, and what several measures need of both. */
import { keep, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { InterruptedError } from "../base/errors.js";
import type { Report } from "../base/events.js";
import { onCpu, runLayers } from "../compute/compute.js";
import { disposeClassifier, type LinearClassifier, learnLinear } from "../metrics/linear-fast.js";
import { type KnownFeatures, labelledFeatures } from "../tasks/probe/score.js";
import type { Encoder } from "./encoders.js";
import type { AnalysisPhotos, PhotoSample } from "./photos.js";
import { asSeenBy } from "./pictures/central.js";

/** Says that some more photos were looked at. */
export type Tick = (photos: number) => void;

export interface MaterialOptions {
  readonly encoders: readonly Encoder[];
  readonly photos: AnalysisPhotos;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly report: Report;
}

/** What an encoder's linear probe has learned of the photos to learn from. */
export interface Learned {
  readonly features: KnownFeatures;
  readonly classifier: LinearClassifier;
}

const batchSize = 64;

export class Material implements Disposable {
  readonly encoders: readonly Encoder[];
  readonly photos: AnalysisPhotos;
  readonly seed: number;
  private readonly signal: AbortSignal | undefined;
  private readonly report: Report;
  private readonly scoredOf = new Map<Encoder, KnownFeatures>();
  private readonly learnedOf = new Map<Encoder, Learned>();

  constructor({ encoders, photos, seed, signal, report }: MaterialOptions) {
    this.encoders = encoders;
    this.photos = photos;
    this.seed = seed;
    this.signal = signal;
    this.report = report;
  }

  /** Begins a part of the work in which photos are looked at `total` times. */
  begin(what: string, total: number): Tick {
    let done = 0;
    return (photos) => {
      done += photos;
      this.report({ kind: "progress", what, done, total });
    };
  }

  /** Positions 0 to `count - 1` in batches. Throws InterruptedError between them; what `visit` returns is kept in order. */
  async inBatches<T>(count: number, tick: Tick, visit: (rows: Int32Array) => T): Promise<T[]> {
    const results: T[] = [];
    for (let from = 0; from < count; from += batchSize) {
      if (this.signal?.aborted === true) throw new InterruptedError("Stopped while encoders were looked at.");
      const rows = Int32Array.from({ length: Math.min(batchSize, count - from) }, (_, i) => from + i);
      results.push(visit(rows));
      tick(rows.length);
      // Lets signal handlers and timers run.
      await new Promise(setImmediate);
    }
    return results;
  }

  /**
   * An encoder's features of pictures that are made batch by batch, `[count, outChannels]`; the caller owns them.
   *
   * @param make positions to pictures `[rows, 3, crop, crop]` in [0, 1]
   */
  features(encoder: Encoder, count: number, tick: Tick, make: (rows: Int32Array) => Tensor): Promise<Tensor> {
    const { backbone } = encoder;
    return this.outputs(count, tick, (rows) =>
      runLayers(onCpu, asSeenBy(encoder, make(rows)), (seen) => backbone.forward(seen)),
    );
  }

  /** Rows that are computed batch by batch, `[count, d]`; the caller owns them. */
  async outputs(count: number, tick: Tick, compute: (rows: Int32Array) => Tensor): Promise<Tensor> {
    const parts: Tensor[] = [];
    try {
      await this.inBatches(count, tick, (rows) => {
        parts.push(keep(noGrad(() => scope(() => compute(rows))))); // [rows, d]
      });
      return keep(scope(() => ops.cat(parts))); // [count, d]
    } finally {
      for (const part of parts) part.dispose();
    }
  }

  /** The features of the scored photos as they are, `[n, outChannels]`. They belong to the material. */
  async scored(encoder: Encoder): Promise<KnownFeatures> {
    const known = this.scoredOf.get(encoder);
    if (known !== undefined) return known;
    const features = await this.look(encoder, this.photos.scored, "scored");
    this.scoredOf.set(encoder, features);
    return features;
  }

  /** What the encoder's probe has learned. It belongs to the material. Throws where photos have no classes. */
  async learned(encoder: Encoder): Promise<Learned> {
    const known = this.learnedOf.get(encoder);
    if (known !== undefined) return known;
    const { learned, classes } = this.photos;
    if (learned === null) throw new TypeError("Expected photos with classes, got photos without.");
    const features = await this.look(encoder, learned, "learned from");
    const classifier = learnLinear(features, classes.length, this.seed);
    const result = { features, classifier };
    this.learnedOf.set(encoder, result);
    return result;
  }

  /** Looks at all photos as they are with all encoders, before a measure begins with progress of its own. */
  async lookWithAll(): Promise<void> {
    for (const encoder of this.encoders) {
      await this.learned(encoder);
      await this.scored(encoder);
    }
  }

  private look(encoder: Encoder, { dataset, ids }: PhotoSample, use: string): Promise<KnownFeatures> {
    const { backbone, crop, fill, name } = encoder;
    const { signal } = this;
    const tick = this.begin(`photos that are ${use}, ${name}`, ids.length);
    let before = 0;
    const onProgress = ({ done }: { readonly done: number }) => {
      tick(done - before);
      before = done;
    };
    return labelledFeatures(backbone, { dataset, ids }, { crop, fill, batchSize, signal, onProgress });
  }

  [Symbol.dispose](): void {
    for (const features of this.scoredOf.values()) features[Symbol.dispose]();
    for (const { features, classifier } of this.learnedOf.values()) {
      features[Symbol.dispose]();
      disposeClassifier(classifier);
    }
    this.scoredOf.clear();
    this.learnedOf.clear();
  }
}

/** The photos and their masks, for measures that need masks. */
export function withMasks({ photos }: Material): { readonly photos: AnalysisPhotos; readonly masks: Tensor } {
  const { masks } = photos;
  if (masks === null) throw new TypeError("Expected photos with masks, got photos without.");
  return { photos, masks };
}
