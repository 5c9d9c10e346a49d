/** What finds the mask of an object in a region: He et al. 2017, "Mask R-CNN", section 3, with torchvision's names. */
import { type Generator, nn, noGrad, type Tensor } from "@salmask/torch";
import { type Compute, runLayers } from "../compute/compute.js";
import { convBlock, drawConvs } from "./layers.js";
import { TorchvisionModule } from "./torchvision-module.js";

/** Convolutions of the mask head. */
const depth = 4;

export interface MaskHeadOptions {
  readonly channels: number;
  /** Batch normalisation after each convolution. */
  readonly norm: boolean;
  readonly compute: Compute;
  readonly generator: Generator;
}

/** Four convolutions, `[R, channels, 14, 14]` to the same: torchvision's `MaskRCNNHeads`. */
export class MaskHead extends nn.Sequential {
  readonly #compute: Compute;

  constructor({ channels, norm, compute, generator }: MaskHeadOptions) {
    const block = () => convBlock(channels, channels, { kernelSize: 3, norm, generator });
    super(...Array.from({ length: depth }, block));
    this.#compute = compute;
    drawConvs(this, ({ weight }) => nn.kaimingNormal_(weight, "fanOut", generator));
  }

  override forward(regions: Tensor): Tensor {
    return runLayers(this.#compute, regions, (input) => super.forward(input));
  }
}

export interface MaskPredictorOptions {
  readonly inChannels: number;
  readonly channels: number;
  /** With the background. */
  readonly classes: number;
  readonly compute: Compute;
  readonly generator: Generator;
}

/** A mask for each class, twice as fine: torchvision's `MaskRCNNPredictor`. */
export class MaskPredictor extends TorchvisionModule {
  readonly conv5Mask: nn.ConvTranspose2d;
  readonly maskFcnLogits: nn.Conv2d;
  readonly #compute: Compute;

  constructor({ inChannels, channels, classes, compute, generator }: MaskPredictorOptions) {
    super();
    this.#compute = compute;
    this.conv5Mask = new nn.ConvTranspose2d(inChannels, channels, { kernelSize: 2, stride: 2, generator });
    this.maskFcnLogits = new nn.Conv2d(channels, classes, { kernelSize: 1, generator });
    noGrad(() => {
      for (const { weight } of [this.conv5Mask, this.maskFcnLogits])
        nn.kaimingNormal_(weight, "fanOut", generator);
    });
  }

  /** `[R, inChannels, side, side]` to logits `[R, classes, 2 side, 2 side]`. */
  forward(maps: Tensor): Tensor {
    return runLayers(this.#compute, maps, (input) =>
      this.maskFcnLogits.forward(this.conv5Mask.forward(input).relu()),
    );
  }
}
