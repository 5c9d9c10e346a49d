/**
 * When and how a run knows where the object is. Until then there is nothing to guide by, and nothing is masked:
 * a network that has not learned yet points nowhere.
 */
import { keep, type nn, noGrad, ops, scope, type Tensor, tensor } from "@salmask/torch";
import { cropMaps, renderView, type ViewDraw, wholeView } from "../augment/index.js";
import type { RunConfig } from "../config/schema.js";
import type { PackedDataset } from "../data/cache.js";
import type { Fill } from "../masking/fills/fill.js";
import { fillOf } from "../masking/fills/registry.js";
import { type Grid, gridFor } from "../masking/grid.js";
import type { ResNet } from "../models/resnet.js";
import { sourceWithoutRun } from "../models/saliency-source.js";
import { frozenCopy } from "../models/weights.js";
import { ScdaSource } from "../saliency/scda.js";
import type { SaliencySource } from "../saliency/source.js";
import { type Foreground, foregroundCells } from "../saliency/threshold.js";

/** Photos in one pass of the frozen network, when the maps of all photos are made. */
const photoBatch = 128;

export class SaliencyGuide {
  private source: SaliencySource | null = null;
  /** The run's own frozen encoder, where saliency is read from one. */
  private own: ResNet | null = null;
  /** `[N, rows, cols]`: one map a photo, where crops look their map up. */
  private photoMaps: Tensor | null = null;
  private readonly fill: Fill;

  constructor(
    private readonly config: RunConfig,
    private readonly dataset: PackedDataset,
    private readonly grid: Grid,
  ) {
    this.fill = fillOf(config.mask);
    if (!needsSaliency(config)) return;
    if (!this.readsOwnEncoder) this.use(sourceWithoutRun(config.saliency));
  }

  /** Whether crops have a saliency now, or need none. */
  get active(): boolean {
    return this.source !== null || !needsSaliency(this.config);
  }

  /** Whether the run's own encoder is what saliency is read from. */
  private get readsOwnEncoder(): boolean {
    return this.config.saliency.source === "scda" && this.config.saliency.weights === undefined;
  }

  /** Freezes the run's own encoder once the warm-up epochs are over. Called before each epoch. */
  beforeEpoch(epoch: number, encoder: ResNet): void {
    if (this.active || epoch < this.config.saliency.warmupEpochs) return;
    this.freeze(encoder);
  }

  private freeze(encoder: ResNet): void {
    this.own = frozenCopy(encoder);
    this.use(new ScdaSource(this.own, this.fill.prepare));
  }

  private use(source: SaliencySource): void {
    this.source = source;
    if (this.config.saliency.scope === "photo") this.photoMaps = keep(this.mapPhotos(source));
  }

  /**
   * The cells of crops that show the object; null while nothing says where it is, or nothing asks.
   *
   * @param crops `[B, 3, H, W]`, normalised and not filtered
   */
  foreground(crops: Tensor, draw: ViewDraw, ids: Int32Array): Foreground | null {
    if (this.source === null) return null;
    const maps = this.maps(this.source, crops, draw, ids); // [B, rows, cols]
    return foregroundCells(maps, this.config.saliency.threshold);
  }

  private maps(source: SaliencySource, crops: Tensor, draw: ViewDraw, ids: Int32Array): Tensor {
    if (this.photoMaps === null) return source.maps(crops, this.grid); // [B, rows, cols]
    const photos = this.photoMaps.indexSelect(0, tensor(ids)); // [B, rows', cols']
    return cropMaps(photos, draw, this.grid.rows, this.grid.cols); // [B, rows, cols]
  }

  /** One map of each whole photo, at twice the crop's side so that a crop still has its share of cells. */
  private mapPhotos(source: SaliencySource): Tensor {
    const { dataset, config } = this;
    const side = 2 * config.data.crop;
    const grid = gridFor(side, this.grid.cell);
    return scope(() =>
      noGrad(() => {
        const parts: Tensor[] = [];
        for (let from = 0; from < dataset.length; from += photoBatch) {
          const length = Math.min(photoBatch, dataset.length - from);
          const ids = Int32Array.from({ length }, (_, i) => from + i);
          parts.push(
            scope(() => {
              const whole = wholeView(ids, dataset.originalSizes, dataset.size);
              const photos = renderView(dataset.images(ids), whole, { crop: side }); // [B, 3, side, side]
              return source.maps(photos, grid); // [B, rows', cols']
            }),
          );
        }
        return ops.cat(parts); // [N, rows', cols']
      }),
    );
  }

  /** The frozen encoder's tensors, for a checkpoint. */
  state(): nn.StateDict {
    return this.own === null ? {} : this.own.stateDict();
  }

  /** Takes the frozen encoder from a checkpoint; `like` gives its shape. */
  loadState(state: nn.StateDict, like: ResNet): void {
    if (!this.readsOwnEncoder || Object.keys(state).length === 0) return;
    const encoder = frozenCopy(like);
    encoder.loadStateDict(state);
    this.own = encoder;
    this.use(new ScdaSource(encoder, this.fill.prepare));
  }

  dispose(): void {
    this.source?.dispose();
    this.photoMaps?.dispose();
  }
}

/** Whether anything in the run asks where the object is. */
function needsSaliency({ mask }: RunConfig): boolean {
  return (
    mask.fill !== "none" && mask.cells === "saliency" && (mask.branch !== "none" || mask.negative.count > 0)
  );
}
