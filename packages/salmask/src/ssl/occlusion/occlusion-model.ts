import { type Generator, nn, noGrad, ops, type Tensor } from "@salmask/torch";
import { type Compute, onCpu, place, runLayers } from "../../compute/compute.js";

export interface OcclusionModelOptions {
  /** Side of the views in pixels. */
  crop: number;
  /** Number of masks per view, N. */
  masks: number;
  /** Channels of the first level; each following level has twice as many, up to eight times. */
  channels: number;
  generator: Generator;
  /** Default: the CPU in float32. */
  compute?: Compute;
}

/** Number of units of the bottleneck (Shi et al. 2022, appendix). */
const bottleneck = 128;
/** The plane is halved as long as the result has at least this side; gives ADIOS's 5 levels at 96 px and 6 at 224. */
const leastSide = 6;

/** Convolution, instance normalisation, ReLU. `[B, in, h, w]` to `[B, out, h, w]`. */
class Block extends nn.Module {
  readonly conv: nn.Conv2d;
  readonly norm: nn.GroupNorm;

  constructor(input: number, output: number, generator: Generator) {
    super();
    this.conv = new nn.Conv2d(input, output, { kernelSize: 3, padding: 1, bias: false, generator });
    this.norm = new nn.GroupNorm(output, output);
  }

  forward(input: Tensor): Tensor {
    return this.norm.forward(this.conv.forward(input)).relu();
  }
}

/** The deepest level: an MLP over the whole plane. */
class Bottleneck extends nn.Module {
  readonly mlp: nn.Sequential;

  constructor(features: number, generator: Generator) {
    super();
    this.mlp = new nn.Sequential(
      new nn.Linear(features, bottleneck, { generator }),
      new nn.ReLU(),
      new nn.Linear(bottleneck, bottleneck, { generator }),
      new nn.ReLU(),
      new nn.Linear(bottleneck, features, { generator }),
      new nn.ReLU(),
    );
  }

  /** `[B, C, h, w]` to the same. */
  forward(input: Tensor): Tensor {
    return this.mlp.forward(input.flatten({ startDim: 1 })).reshape([...input.shape]); // [B, C, h, w]
  }
}

/** One level with all levels below it. A skip connection passes its plane around them. */
class Level extends nn.Module {
  readonly down: Block;
  readonly inner: nn.Module;
  readonly up: Block;

  constructor(input: number, side: number, options: OcclusionModelOptions, depth = 0) {
    super();
    const { channels, generator } = options;
    const own = channels * Math.min(8, 2 ** depth);
    const half = side / 2;
    const isDeepest = half % 1 !== 0 || half < leastSide;
    this.down = new Block(input, own, generator);
    this.inner = isDeepest
      ? new Bottleneck(own * side * side, generator)
      : new Level(own, half, options, depth + 1);
    const below = isDeepest ? own : channels * Math.min(8, 2 ** (depth + 1));
    this.up = new Block(own + below, own, generator);
  }

  /** `[B, in, h, w]` to `[B, own, h, w]`. */
  forward(input: Tensor): Tensor {
    const [, , height, width] = input.shape;
    const skip = this.down.forward(input); // [B, own, h, w]
    const inner =
      this.inner instanceof Level
        ? ops.upsampleNearest2d(this.inner.forward(skip.avgPool2d(2)), [height, width])
        : this.inner.forward(skip); // [B, below, h, w]
    return this.up.forward(ops.cat([inner, skip], { dim: 1 })); // [B, own, h, w]
  }
}

/**
 * ADIOS's occlusion model (Shi et al. 2022, "Adversarial Masking for Self-Supervised Learning", section 3.1): a U-Net
 * (Ronneberger et al. 2015) whose softmax divides every pixel among N masks, with shares that add up to 1.
 */
export class OcclusionModel extends nn.Module {
  readonly unet: Level;
  readonly head: nn.Conv2d;
  private readonly compute: Compute;

  constructor(options: OcclusionModelOptions) {
    super();
    this.compute = options.compute ?? onCpu;
    this.unet = noGrad(() => new Level(3, options.crop, options));
    const { masks, channels, generator } = options;
    this.head = noGrad(() => new nn.Conv2d(channels, masks, { kernelSize: 1, generator }));
    place(this, this.compute);
  }

  /** Views `[B, 3, crop, crop]` to masks `[B, N, crop, crop]` in [0, 1] whose sum over N is 1. */
  forward(views: Tensor): Tensor {
    const layers = (input: Tensor) => this.head.forward(this.unet.forward(input));
    return runLayers(this.compute, views, layers).softmax(1); // [B, N, crop, crop]
  }
}
