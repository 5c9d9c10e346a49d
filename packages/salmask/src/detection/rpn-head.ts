import { type Generator, nn, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { type Compute, runLayers } from "../compute/compute.js";
import { convBlock, drawConvs } from "./layers.js";
import { TorchvisionModule } from "./torchvision-module.js";

export interface RpnHeadOptions {
  readonly channels: number;
  /** Of each place. */
  readonly anchors: number;
  readonly compute: Compute;
  readonly generator: Generator;
}

/** What the RPN says of the anchors of all levels, one level after another. */
export interface AnchorPredictions {
  /** Logits `[B, anchors]`. */
  readonly objectness: Tensor;
  /** Changes of the anchors, `[B, anchors, 4]`. */
  readonly changes: Tensor;
  /** Anchors of each level. */
  readonly perLevel: readonly number[];
}

/** The same small network on every level `[B, C, H, W]`: Ren et al. 2015, section 3.1, with torchvision's names. */
export class RpnHead extends TorchvisionModule<readonly Tensor[], AnchorPredictions> {
  readonly conv: nn.Sequential;
  readonly clsLogits: nn.Conv2d;
  readonly bboxPred: nn.Conv2d;
  readonly #compute: Compute;

  constructor({ channels, anchors, compute, generator }: RpnHeadOptions) {
    super();
    this.#compute = compute;
    this.conv = new nn.Sequential(convBlock(channels, channels, { kernelSize: 3, generator }));
    this.clsLogits = new nn.Conv2d(channels, anchors, { kernelSize: 1, generator });
    this.bboxPred = new nn.Conv2d(channels, 4 * anchors, { kernelSize: 1, generator });
    drawConvs(this, ({ weight }) => noGrad(() => weight.normal_({ std: 0.01, generator })));
  }

  forward(features: readonly Tensor[]): AnchorPredictions {
    return scope(() => {
      const ofLevels = features.map((maps) => this.#level(maps)); // of [B, anchors, 5]
      const all = ops.cat(ofLevels, { dim: 1 }); // [B, anchors, 5]
      return {
        objectness: all.select(2, 0),
        changes: all.narrow(2, 1, 4),
        perLevel: ofLevels.map(({ shape }) => shape[1]),
      };
    });
  }

  /** `[B, C, H, W]` to `[B, H W anchors, 5]`: the logit and the changes of each place's anchors. */
  #level(maps: Tensor): Tensor {
    const [batch, , height, width] = maps.shape;
    const anchors = this.clsLogits.weight.shape[0];
    const output = runLayers(this.#compute, maps, (input) => {
      const hidden = this.conv.forward(input); // [B, C, H, W]
      return ops.cat([this.clsLogits.forward(hidden), this.bboxPred.forward(hidden)], { dim: 1 });
    }); // [B, 5 anchors, H, W]
    const places = output.permute([0, 2, 3, 1]); // [B, H, W, 5 anchors]
    const logits = places.narrow(3, 0, anchors).reshape([batch, height * width * anchors, 1]);
    const changes = places.narrow(3, anchors, 4 * anchors).reshape([batch, height * width * anchors, 4]);
    return ops.cat([logits, changes], { dim: 2 });
  }
}
