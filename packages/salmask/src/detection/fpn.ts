/** Lin et al. 2017, "Feature Pyramid Networks for Object Detection", with torchvision's names. */
import { type Generator, nn, ops, type Tensor } from "@salmask/torch";
import { convBlock, drawConvs } from "./layers.js";
import { TorchvisionModule } from "./torchvision-module.js";

export interface FeaturePyramidOptions {
  /** Of the levels that go in, from fine to coarse. */
  readonly inChannels: readonly number[];
  /** Of every level that comes out. */
  readonly outChannels: number;
  /** Batch normalisation after each convolution. */
  readonly norm: boolean;
  readonly generator: Generator;
}

/**
 * Feature maps of all levels, from fine to coarse, `[B, channels, H, W]` each, to maps of the same planes and of `outChannels`
 * each, and one level more: every second place of the coarsest.
 */
export class FeaturePyramid extends TorchvisionModule<readonly Tensor[], Tensor[]> {
  readonly innerBlocks: nn.Sequential;
  readonly layerBlocks: nn.Sequential;

  constructor({ inChannels, outChannels, norm, generator }: FeaturePyramidOptions) {
    super();
    const block = (input: number, kernelSize: number) =>
      convBlock(input, outChannels, { kernelSize, norm, relu: false, generator });
    this.innerBlocks = new nn.Sequential(...inChannels.map((channels) => block(channels, 1)));
    this.layerBlocks = new nn.Sequential(...inChannels.map(() => block(outChannels, 3)));
    // He et al. 2015 for layers without a ReLU: uniform in +-sqrt(3 / fan-in).
    drawConvs(this, ({ weight }) => {
      const [, ...unit] = weight.shape;
      nn.uniformFanIn_(weight, unit.reduce((product, side) => product * side, 1) / 3, generator);
    });
  }

  forward(features: readonly Tensor[]): Tensor[] {
    const levels: Tensor[] = [];
    let above: Tensor | null = null;
    for (let level = features.length - 1; level >= 0; level--) {
      const lateral: Tensor = this.innerBlocks.layers[level].forward(features[level]); // [B, C, H, W]
      const [, , height, width] = lateral.shape;
      above = above === null ? lateral : lateral.add(ops.upsampleNearest2d(above, [height, width]));
      levels.unshift(this.layerBlocks.layers[level].forward(above)); // [B, C, H, W]
    }
    return [...levels, ops.maxPool2d(levels[levels.length - 1], 1, { stride: 2 })];
  }
}
