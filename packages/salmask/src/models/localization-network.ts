/** A small network that finds the object: an encoder, and a decoder that goes from coarse features back to fine ones. */
import { type Generator, nn, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { resize } from "../image/resize.js";
import type { Backbone, BackboneSpec } from "./backbone.js";
import { createBackbone } from "./registry.js";

/** The parameters of a localization network. */
export interface LocalizationSpec {
  readonly backbone: BackboneSpec;
  /** Channels of the decoder. */
  readonly channels: number;
  /** Channels of what the decoder gets beside the encoder's levels. */
  readonly cues: number;
}

/** What a localization network looks at. */
export interface CuedPictures {
  /** `[B, 3, H, W]` */
  readonly pictures: Tensor;
  /** `[B, cues, h, w]`, of any size. */
  readonly cues: Tensor;
}

/** A 3x3 convolution, batch normalisation and ReLU. */
class DecoderBlock extends nn.Module {
  readonly conv: nn.Conv2d;
  readonly bn: nn.BatchNorm2d;

  constructor(channels: number, generator: Generator) {
    super();
    this.conv = new nn.Conv2d(channels, channels, { kernelSize: 3, padding: 1, bias: false, generator });
    nn.kaimingNormal_(this.conv.weight, "fanOut", generator);
    this.bn = new nn.BatchNorm2d(channels);
  }

  /** `[B, channels, h, w]` to the same shape. */
  forward(input: Tensor): Tensor {
    return this.bn.forwardRelu(this.conv.forward(input));
  }
}

/**
 * Whether each place belongs to the object. The decoder adds the encoder's levels from coarse to fine, each after a 1x1 convolution
 * (Lin et al. 2017, "Feature Pyramid Networks for Object Detection"). The mean of the coarsest level, through a linear layer, is added
 * to all its places, because what stands out depends on the whole picture. The finest level also has cues: maps that are known to point at
 * objects, so that a small network does not have to learn them.
 */
export class LocalizationNetwork extends nn.Module<CuedPictures> {
  readonly backbone: Backbone;
  readonly context: nn.Linear;
  readonly laterals: nn.Sequential;
  readonly blocks: nn.Sequential;
  readonly head: nn.Conv2d;

  /** Draws new random weights from the generator. */
  constructor(
    readonly spec: LocalizationSpec,
    generator: Generator,
  ) {
    super();
    const { channels, cues } = spec;
    this.backbone = createBackbone(spec.backbone, generator);
    const { levels, outChannels } = this.backbone;
    const [context, laterals, blocks, head] = noGrad(() => [
      new nn.Linear(outChannels, channels, { generator }),
      levels.map(
        (level, i) =>
          new nn.Conv2d(level.channels + (i === 0 ? cues : 0), channels, { kernelSize: 1, generator }),
      ),
      levels.map(() => new DecoderBlock(channels, generator)),
      new nn.Conv2d(channels, 1, { kernelSize: 3, padding: 1, generator }),
    ]);
    this.context = context;
    this.laterals = new nn.Sequential(...laterals);
    this.blocks = new nn.Sequential(...blocks);
    this.head = head;
  }

  /** The logits of its finest level's places, `[B, 1, H / stride, W / stride]`. */
  forward({ pictures, cues }: CuedPictures): Tensor {
    return scope(() => {
      const levels = this.backbone.pyramid(pictures); // [B, channels, H / stride, W / stride] each
      const [finest] = levels;
      const [, , rows, cols] = finest.shape;
      const alike = resize(cues, [rows, cols])
        .to({ dtype: finest.dtype })
        .contiguous({ memoryFormat: "channelsLast" }); // [B, cues, rows, cols]
      levels[0] = ops.cat([finest, alike], { dim: 1 }); // [B, channels + cues, rows, cols]
      const coarsest = levels[levels.length - 1];
      const context = this.contextOf(coarsest.mean([2, 3])); // [B, channels]
      let x = context.reshape([...context.shape, 1, 1]); // [B, channels, 1, 1]
      for (let level = levels.length - 1; level >= 0; level--) {
        const lateral = this.laterals.layers[level].forward(levels[level]); // [B, channels, h, w]
        const [, , height, width] = lateral.shape;
        const above = level === levels.length - 1 ? x : ops.upsampleNearest2d(x, [height, width]);
        x = this.blocks.layers[level].forward(lateral.add(above)); // [B, channels, h, w]
      }
      return this.head.forward(x); // [B, 1, h, w]
    });
  }

  /** The linear layer, `[B, in]` to `[B, channels]`, picture by picture: the last bits of a matrix product depend on how many there are. */
  private contextOf(means: Tensor): Tensor {
    const { weight, bias } = this.context;
    const sums = means.unsqueeze(1).mul(weight).sum([2]); // [B, channels]
    return bias === null ? sums : sums.add(bias);
  }
}
