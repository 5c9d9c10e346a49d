/**
 * When and how a run knows where the object is. Until then there is nothing to guide by, and nothing is masked:
 * a network that has not learned yet points nowhere.
 */
import { KeyedRandom, keep, type nn, scope, type Tensor, tensor } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import { purpose } from "../base/purposes.js";
import { type Compute, onCpu } from "../compute/compute.js";
import type { RunConfig } from "../config/schema.js";
import type { PackedDataset } from "../data/store/dataset.js";
import type { Fill } from "../masking/fills/fill.js";
import { fillOf } from "../masking/fills/registry.js";
import type { Grid } from "../masking/grid.js";
import type { ResNet } from "../models/resnet.js";
import { cropMaps, type ViewDraw } from "../views/index.js";
import { frozenCopy } from "../weights/files.js";
import { openSource } from "./open.js";
import {
  mapPhotos,
  mapPhotosLater,
  mapsFolder,
  type PhotoView,
  photoViewOf,
  readPhotoMaps,
} from "./photo-maps.js";
import { ScdaSource } from "./scda.js";
import type { LateSaliencySource, SaliencySource } from "./source.js";
import { type Foreground, foregroundOfViews } from "./threshold.js";

/** Crops of photos, as one branch is to see them, and how they were drawn. */
export interface DrawnCrops {
  /** `[B, 3, H, W]`, normalised and not filtered */
  readonly crops: Tensor;
  readonly draw: ViewDraw;
}

/** What says where the object is: something that looks at crops, or a map of each whole photo `[N, rows, cols]`, on the CPU. */
type Knowledge = { kind: "crops"; source: SaliencySource } | { kind: "photos"; maps: Tensor };

export class SaliencyGuide {
  private knowledge: Knowledge | null = null;
  /** The run's own encoder, frozen, where saliency is read from it. */
  private own: ResNet | null = null;
  private readonly fill: Fill;

  private constructor(
    private readonly config: RunConfig,
    private readonly dataset: PackedDataset,
    private readonly grid: Grid,
    private readonly compute: Compute,
  ) {
    this.fill = fillOf(config.mask);
  }

  /** Knows from the start what the configuration names: weights, a source without any, or maps in files. */
  static async open(
    config: RunConfig,
    dataset: PackedDataset,
    grid: Grid,
    compute: Compute = onCpu,
  ): Promise<SaliencyGuide> {
    const guide = new SaliencyGuide(config, dataset, grid, compute);
    const { source, weights } = config.saliency;
    if (!needsSaliency(config) || readsOwnEncoder(config)) return guide;
    if (source === "maps") {
      guide.know(await readPhotoMaps(mapsFolder(config), dataset, guide.photoView()));
      return guide;
    }
    const opened = await openSource({ source, weights }, compute);
    if ("maps" in opened) guide.use(opened);
    else guide.know(await guide.askBeforehand(opened));
    return guide;
  }

  /** Whether crops have a saliency now, or need none. */
  get active(): boolean {
    return this.knowledge !== null || !needsSaliency(this.config);
  }

  /** Called before each epoch: freezes the run's own encoder after the warm-up, and again as often as asked. */
  beforeEpoch(epoch: number, encoder: ResNet): void {
    const { warmupEpochs, refreshEvery } = this.config.saliency;
    const since = epoch - warmupEpochs;
    if (!needsSaliency(this.config) || !readsOwnEncoder(this.config) || since < 0) return;
    const isDue = !this.active || (refreshEvery !== undefined && since % refreshEvery === 0);
    if (isDue) this.readFrom(frozenCopy(encoder));
  }

  /** Takes a frozen encoder over, and reads saliency from it. */
  private readFrom(encoder: ResNet): void {
    this.own?.dispose();
    this.own = encoder;
    this.use(new ScdaSource(encoder, this.fill.prepare, this.compute));
  }

  private use(source: SaliencySource): void {
    if (this.config.saliency.scope === "crop") {
      this.replace({ kind: "crops", source });
      return;
    }
    this.know(mapPhotos(source, this.dataset, this.photoView(), this.compute.device));
    // What the maps were read from has done its work; the run's own encoder goes into checkpoints still.
    if (this.own === null) source.dispose();
  }

  /** The maps of all photos from a source that a step cannot wait for. Throws {@link UsageError} `sees-photos-alone`. */
  private async askBeforehand(source: LateSaliencySource): Promise<Tensor> {
    try {
      if (this.config.saliency.scope === "photo")
        return await mapPhotosLater(source, this.dataset, this.photoView());
      throw new UsageError(
        "sees-photos-alone",
        `Expected saliency.scope photo with the source ${source.name}, which is asked once about each photo, but crop came. ` +
          "Give --saliency.scope photo.",
      );
    } finally {
      await source.dispose();
    }
  }

  /** Takes over one map a photo, `[N, rows, cols]`; another photo's where the control asks for that. */
  private know(maps: Tensor): void {
    const { seed, saliency } = this.config;
    if (!saliency.shuffled) {
      this.replace({ kind: "photos", maps: keep(maps) });
      return;
    }
    const others = otherPhotos(seed, this.dataset.length);
    this.replace({ kind: "photos", maps: keep(scope(() => maps.indexSelect(0, tensor(others)))) });
    maps.dispose();
  }

  private replace(knowledge: Knowledge): void {
    if (this.knowledge?.kind === "photos") this.knowledge.maps.dispose();
    this.knowledge = knowledge;
  }

  /**
   * The cells of each view's crops that show the object; null while nothing says where it is, or nothing asks. With scope
   * photo nothing is asked of the device; with scope crop its answer is waited for, once for all views.
   */
  foregrounds(views: readonly DrawnCrops[], ids: Int32Array): (Foreground | null)[] {
    const { knowledge } = this;
    if (knowledge === null) return views.map(() => null);
    const maps = views.map((view) => this.maps(knowledge, view, ids)); // [B, rows, cols] each
    return foregroundOfViews(maps, this.config.saliency.threshold);
  }

  private maps(knowledge: Knowledge, { crops, draw }: DrawnCrops, ids: Int32Array): Tensor {
    if (knowledge.kind === "photos") {
      const photos = knowledge.maps.indexSelect(0, tensor(ids)); // [B, rows', cols']
      return cropMaps(photos, draw, this.grid.rows, this.grid.cols); // [B, rows, cols]
    }
    const maps = knowledge.source.maps(crops, this.grid); // [B, rows, cols]
    return this.config.saliency.shuffled ? maps.roll(1, { dims: 0 }) : maps;
  }

  private photoView(): PhotoView {
    return photoViewOf(this.config.data.crop, this.grid.cell);
  }

  /** The frozen encoder's tensors, for a checkpoint. */
  state(): nn.StateDict {
    return this.own === null ? {} : this.own.stateDict();
  }

  /** Takes the frozen encoder from a checkpoint; `like` gives its shape. */
  loadState(state: nn.StateDict, like: ResNet): void {
    if (!readsOwnEncoder(this.config) || Object.keys(state).length === 0) return;
    const encoder = frozenCopy(like);
    encoder.loadStateDict(state);
    this.readFrom(encoder);
  }

  dispose(): void {
    if (this.knowledge?.kind === "photos") this.knowledge.maps.dispose();
    if (this.knowledge?.kind === "crops") this.knowledge.source.dispose();
    else this.own?.dispose();
  }
}

/** Whether anything in the run asks where the object is. */
function needsSaliency({ mask }: RunConfig): boolean {
  return (
    mask.fill !== "none" && mask.cells === "saliency" && (mask.branch !== "none" || mask.negative.count > 0)
  );
}

/** Whether saliency is read from the encoder that the run trains. */
function readsOwnEncoder({ saliency }: RunConfig): boolean {
  return saliency.source === "own";
}

/** `[n]`: for each photo another one, each once; itself where there is only one. */
function otherPhotos(seed: number, n: number): Int32Array {
  const circle = new KeyedRandom(seed, purpose.shuffledMaps).permutation(n);
  const others = new Int32Array(n);
  for (const [place, photo] of circle.entries()) others[photo] = circle[(place + 1) % n];
  return others;
}
