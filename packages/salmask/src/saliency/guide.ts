/**
 * Decides when and from which source a run knows where the object is. Until then nothing is masked, because the
 * saliency of an untrained network does not show objects.
 */
import { KeyedRandom, type nn, type Tensor } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import { purpose } from "../base/purposes.js";
import { type Compute, onCpu, ranksOf } from "../compute/compute.js";
import type { PackedDataset } from "../data/store/dataset.js";
import { fillOf } from "../masking/fills/registry.js";
import type { Foreground } from "../masking/foreground.js";
import { gridFor } from "../masking/grid.js";
import type { MaskSettings } from "../masking/settings.js";
import type { Backbone } from "../models/backbone.js";
import { cropMaps } from "../views/crop-maps.js";
import type { Crops, ObjectFinder } from "../views/see.js";
import { frozenCopy } from "../weights/files.js";
import { type Beforehand, mapAllPhotos, PhotoMaps, type PhotoView, photoViewOf } from "./maps/photo-maps.js";
import { readPhotoMaps } from "./maps/read-maps.js";
import { saliencyOf } from "./networks/class-attention.js";
import { openSource } from "./open.js";
import { rowSorted } from "./row-sorted.js";
import type { SaliencySettings } from "./settings.js";
import type { LateSaliencySource, SaliencySource } from "./source.js";
import { foregroundOfViews } from "./threshold.js";

/** The settings of saliency, and those that decide whether the run needs it. */
export interface GuideSettings {
  readonly seed: number;
  readonly data: { readonly crop: number };
  readonly mask: MaskSettings;
  readonly saliency: SaliencySettings;
}

/** The source of saliency: one that computes maps of crops, or a map of each whole photo. */
type Knowledge = { kind: "crops"; source: SaliencySource } | { kind: "photos"; maps: PhotoMaps };

export interface GuideOptions extends Beforehand {
  readonly dataset: PackedDataset;
  /** Side of a cell of a crop's map in pixels. */
  readonly cell: number;
  /** Default: the CPU in float32. */
  readonly compute?: Compute;
  /** Replaces the source from the settings. The guide frees it. */
  readonly source?: SaliencySource;
}

export class SaliencyGuide implements ObjectFinder {
  private knowledge: Knowledge | null = null;
  /** A frozen copy of the run's own encoder, if saliency uses it. */
  private own: Backbone | null = null;
  /** `[N]`: for the shuffled control, the photo whose map each photo gets; null if each photo gets its own map. */
  private readonly others: Int32Array | null;

  private constructor(
    private readonly settings: GuideSettings,
    private readonly options: GuideOptions,
  ) {
    const { seed, saliency } = settings;
    this.others = saliency.shuffled ? otherPhotos(seed, options.dataset.length) : null;
  }

  /**
   * Opens the source that the settings name, if it does not depend on the run: weights, a fixed method, or maps in
   * files.
   */
  static async open(settings: GuideSettings, options: GuideOptions): Promise<SaliencyGuide> {
    const guide = new SaliencyGuide(settings, options);
    const { source, weights } = settings.saliency;
    if (!needsSaliency(settings)) {
      options.source?.dispose();
      return guide;
    }
    if (options.source !== undefined) {
      guide.use(options.source);
      return guide;
    }
    if (readsOwnEncoder(settings)) return guide;
    if (source === "maps") {
      guide.know(
        PhotoMaps.known(await readPhotoMaps(mapsFolder(settings), options.dataset, guide.photoView())),
      );
      return guide;
    }
    const opened = await openSource({ source, weights }, options.compute);
    if ("maps" in opened) guide.use(opened);
    else guide.know(PhotoMaps.known(await guide.askBeforehand(opened)));
    return guide;
  }

  get active(): boolean {
    return this.knowledge !== null || !needsSaliency(this.settings);
  }

  /** Seconds so far for maps that are computed once per photo. */
  get secondsOnce(): number {
    return this.knowledge?.kind === "photos" ? this.knowledge.maps.secondsAsked : 0;
  }

  /**
   * Call it before each epoch. Freezes a copy of the run's own encoder after the warm-up, and again every
   * `refreshEvery` epochs.
   */
  beforeEpoch(epoch: number, encoder: Backbone): void {
    const { warmupEpochs, refreshEvery } = this.settings.saliency;
    const since = epoch - warmupEpochs;
    const isOwn = this.options.source === undefined && readsOwnEncoder(this.settings);
    if (!needsSaliency(this.settings) || !isOwn || since < 0) return;
    const isDue = !this.active || (refreshEvery !== undefined && since % refreshEvery === 0);
    if (isDue) this.readFrom(frozenCopy(encoder));
  }

  /** Takes ownership of a frozen encoder and computes saliency with it. */
  private readFrom(encoder: Backbone): void {
    this.own = encoder;
    const { prepare } = fillOf(this.settings.mask);
    this.use(saliencyOf(encoder, prepare, this.options.compute));
  }

  private use(source: SaliencySource): void {
    if (this.settings.saliency.scope === "crop") {
      this.replace({ kind: "crops", source });
      return;
    }
    const { dataset, compute = onCpu } = this.options;
    this.know(PhotoMaps.lazily({ source, dataset, view: this.photoView(), device: compute.device }));
  }

  /** The maps of all photos, from an asynchronous source. Throws {@link UsageError} `sees-photos-alone`. */
  private async askBeforehand(source: LateSaliencySource): Promise<Tensor> {
    try {
      if (this.settings.saliency.scope === "photo") return await this.mapTogether(source);
      throw new UsageError(
        "sees-photos-alone",
        `Expected saliency.scope photo with the source ${source.name}, which is asked once about each photo, got crop. ` +
          "Give --saliency.scope photo.",
      );
    } finally {
      await source.dispose();
    }
  }

  /** The maps of all photos `[N, rows, cols]`, of which each rank makes its part. */
  private async mapTogether(source: LateSaliencySource): Promise<Tensor> {
    const { dataset, compute } = this.options;
    const ranks = ranksOf(compute);
    const { ids = Int32Array.from({ length: dataset.length }, (_, id) => id) } = this.options;
    const own = ids.filter((_, place) => place % ranks.worldSize === ranks.rank);
    const maps = await mapAllPhotos(source, dataset, this.photoView(), { ...this.options, ids: own });
    const all = ranks.sum(maps); // [N, rows, cols]
    if (all !== maps) maps.dispose();
    return all;
  }

  private know(maps: PhotoMaps): void {
    this.replace({ kind: "photos", maps });
  }

  private replace(knowledge: Knowledge): void {
    this.forget();
    this.knowledge = knowledge;
  }

  /**
   * The foreground cells of each view's crops; null while there is no saliency source, or if the run does not need one.
   * With scope photo, the device computes maps of new photos only. With scope crop, this waits for the device once for
   * all views.
   */
  foregrounds(views: readonly Crops[], ids: Int32Array): (Foreground | null)[] {
    const { knowledge } = this;
    if (knowledge === null) return views.map(() => null);
    const maps = views.map((view) => this.maps(knowledge, view, ids)); // [B, rows, cols] each
    const { threshold, rowSorted: isRowSorted } = this.settings.saliency;
    const found = foregroundOfViews(maps, threshold);
    return isRowSorted ? found.map((view, i) => rowSorted(view, maps[i].shape[2])) : found;
  }

  /** Call it before each step with the photos `ids` [B] of this rank: makes what is computed once per photo, with the other ranks. */
  beforeStep(ids: Int32Array): void {
    if (this.knowledge?.kind === "photos")
      this.knowledge.maps.share(this.mapped(ids), ranksOf(this.options.compute));
  }

  /** The photos whose maps the photos `ids` [B] get. */
  private mapped(ids: Int32Array): Int32Array {
    const { others } = this;
    return others === null ? ids : ids.map((id) => others[id]);
  }

  /** The saliency of crops of the photos `ids` [B], `[B, rows, cols]`; null while there is no saliency source. */
  saliencyOf(view: Crops, ids: Int32Array): Tensor | null {
    return this.knowledge === null ? null : this.maps(this.knowledge, view, ids);
  }

  private maps(knowledge: Knowledge, { pixels, draw }: Crops, ids: Int32Array): Tensor {
    const { rows, cols } = gridFor(pixels.shape[2], this.options.cell);
    if (knowledge.kind === "photos") {
      const photos = knowledge.maps.of(this.mapped(ids)); // [B, rows', cols']
      return cropMaps(photos, draw, rows, cols); // [B, rows, cols]
    }
    const maps = knowledge.source.maps(pixels, { rows, cols }); // [B, rows, cols]
    return this.others === null ? maps : maps.roll(1, { dims: 0 });
  }

  private photoView(): PhotoView {
    return photoViewOf(this.settings.data.crop, this.options.cell);
  }

  /** The frozen encoder's tensors, for a checkpoint. */
  state(): nn.StateDict {
    return this.own === null ? {} : this.own.stateDict();
  }

  /** Loads the frozen encoder from a checkpoint; `like` gives its shape. */
  loadState(state: nn.StateDict, like: Backbone): void {
    if (!readsOwnEncoder(this.settings) || Object.keys(state).length === 0) return;
    const encoder = frozenCopy(like);
    encoder.loadStateDict(state);
    this.readFrom(encoder);
  }

  private forget(): void {
    if (this.knowledge?.kind === "photos") this.knowledge.maps.dispose();
    if (this.knowledge?.kind === "crops") this.knowledge.source.dispose();
    this.knowledge = null;
  }

  dispose(): void {
    this.forget();
  }
}

/** Whether any part of the run needs saliency. */
function needsSaliency({ mask }: GuideSettings): boolean {
  return (
    mask.fill !== "none" && mask.cells === "saliency" && (mask.branch !== "none" || mask.negative.count > 0)
  );
}

/** Whether saliency comes from the encoder that the run trains. */
function readsOwnEncoder({ saliency }: GuideSettings): boolean {
  return saliency.source === "own";
}

/** Whether a run of so many epochs ends before its own encoder is asked, so that it never masks by saliency. */
export const isOverBeforeSaliency = (settings: GuideSettings, epochs: number): boolean =>
  needsSaliency(settings) && readsOwnEncoder(settings) && settings.saliency.warmupEpochs >= epochs;

/** The folder of maps in the settings. Throws {@link UsageError} `no-maps-given` if there is none. */
function mapsFolder({ saliency }: GuideSettings): string {
  if (saliency.maps !== undefined) return saliency.maps;
  throw new UsageError(
    "no-maps-given",
    "Expected a folder of maps for the saliency source maps, got none. Give --saliency.maps FOLDER.",
  );
}

/** `[n]`: another photo for each photo, each exactly once; with a single photo, that photo itself. */
function otherPhotos(seed: number, n: number): Int32Array {
  const circle = new KeyedRandom(seed, purpose.shuffledMaps).permutation(n);
  const others = new Int32Array(n);
  for (const [place, photo] of circle.entries()) others[photo] = circle[(place + 1) % n];
  return others;
}
