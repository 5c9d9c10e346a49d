/** He et al. 2016, "Deep Residual Learning for Image Recognition", with torchvision's state-dict names. */
import { type Generator, nn, noGrad, scope, type Tensor } from "@salmask/torch";
import { Backbone, type BackboneFamily, type BackboneSpec, type FeatureLevel } from "./backbone.js";

function conv(
  input: number,
  output: number,
  kernelSize: number,
  stride: number,
  generator: Generator,
): nn.Conv2d {
  const padding = (kernelSize - 1) / 2;
  const layer = new nn.Conv2d(input, output, { kernelSize, stride, padding, bias: false, generator });
  nn.kaimingNormal_(layer.weight, "fanOut", generator);
  return layer;
}

function shortcut(input: number, output: number, stride: number, generator: Generator): nn.Module | null {
  if (stride === 1 && input === output) return null;
  return new nn.Sequential(conv(input, output, 1, stride, generator), new nn.BatchNorm2d(output));
}

class BasicBlock extends nn.Module {
  static readonly expansion = 1;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: nn.Module | null;

  constructor(input: number, planes: number, stride: number, generator: Generator) {
    super();
    this.conv1 = conv(input, planes, 3, stride, generator);
    this.bn1 = new nn.BatchNorm2d(planes);
    this.conv2 = conv(planes, planes, 3, 1, generator);
    this.bn2 = new nn.BatchNorm2d(planes);
    this.downsample = shortcut(input, planes, stride, generator);
  }

  forward(input: Tensor): Tensor {
    const identity = this.downsample === null ? input : this.downsample.forward(input);
    const hidden = this.bn1.forwardRelu(this.conv1.forward(input));
    return this.bn2.forwardRelu(this.conv2.forward(hidden), identity);
  }
}

class Bottleneck extends nn.Module {
  static readonly expansion = 4;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly conv3: nn.Conv2d;
  readonly bn3: nn.BatchNorm2d;
  readonly downsample: nn.Module | null;

  constructor(input: number, planes: number, stride: number, generator: Generator) {
    super();
    const output = planes * Bottleneck.expansion;
    this.conv1 = conv(input, planes, 1, 1, generator);
    this.bn1 = new nn.BatchNorm2d(planes);
    // The stride is in the 3x3 convolution, as in torchvision (ResNet v1.5).
    this.conv2 = conv(planes, planes, 3, stride, generator);
    this.bn2 = new nn.BatchNorm2d(planes);
    this.conv3 = conv(planes, output, 1, 1, generator);
    this.bn3 = new nn.BatchNorm2d(output);
    this.downsample = shortcut(input, output, stride, generator);
  }

  forward(input: Tensor): Tensor {
    const identity = this.downsample === null ? input : this.downsample.forward(input);
    const reduced = this.bn1.forwardRelu(this.conv1.forward(input));
    const hidden = this.bn2.forwardRelu(this.conv2.forward(reduced));
    return this.bn3.forwardRelu(this.conv3.forward(hidden), identity);
  }
}

type Block = typeof BasicBlock | typeof Bottleneck;

/** The blocks of each stage, and their kind. */
interface Design {
  readonly block: Block;
  readonly blocks: readonly [number, number, number, number];
}

function levelsOf({ width, stem }: BackboneSpec, { expansion }: Block): FeatureLevel[] {
  const first = stem === "small" ? 1 : 4;
  return [1, 2, 4, 8].map((factor, i) => ({
    name: `layer${i + 1}`,
    stride: first * factor,
    channels: width * factor * expansion,
  }));
}

/**
 * A residual network without its classifier, with torchvision's names (`conv1.weight`, `layer1.0.bn1.running_mean`,
 * `layer2.0.downsample.0.weight`). The stem `imagenet` is a 7x7 convolution with stride 2 and max pooling; `small` is a
 * 3x3 convolution with stride 1, for pictures of 32 to 64 pixels.
 */
class ResNet extends Backbone {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  readonly #maxPool: nn.MaxPool2d | null;
  override readonly levels: readonly FeatureLevel[];
  override readonly classifierName = "fc";

  constructor(
    override readonly spec: BackboneSpec,
    { block, blocks }: Design,
    generator: Generator,
  ) {
    super();
    const { stem, width } = spec;
    const small = stem === "small";
    this.conv1 = conv(3, width, small ? 3 : 7, small ? 1 : 2, generator);
    this.bn1 = new nn.BatchNorm2d(width);
    this.#maxPool = small ? null : new nn.MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 });
    let input = width;
    const stages = blocks.map((count, i) => {
      const planes = width * 2 ** i;
      const layers = Array.from({ length: count }, (_, j) => {
        const layer = new block(input, planes, i > 0 && j === 0 ? 2 : 1, generator);
        input = planes * block.expansion;
        return layer;
      });
      return new nn.Sequential(...layers);
    });
    [this.layer1, this.layer2, this.layer3, this.layer4] = stages;
    this.levels = levelsOf(spec, block);
  }

  override get stages(): readonly nn.Sequential[] {
    return [this.layer1, this.layer2, this.layer3, this.layer4];
  }

  override pyramid(input: Tensor, count = this.levels.length): Tensor[] {
    let x = scope(() => this.#stem(input)); // [B, width, H', W']
    return this.stages.slice(0, count).map((stage) => {
      x = stage.forward(x);
      return x; // [B, channels, H / stride, W / stride]
    });
  }

  override features(input: Tensor): Tensor {
    // Frees the input of each stage after its use, unless backward needs it.
    return scope(() => {
      let x = scope(() => this.#stem(input)); // [B, width, H', W']
      for (const stage of this.stages) {
        const output = stage.forward(x);
        x.dispose();
        x = output;
      }
      return x; // [B, outChannels, H / stride, W / stride]
    });
  }

  override forward(input: Tensor): Tensor {
    return this.features(input).mean([2, 3]); // [B, outChannels]
  }

  #stem(input: Tensor): Tensor {
    const hidden = this.bn1.forwardRelu(this.conv1.forward(input)); // [B, width, H', W']
    return this.#maxPool === null ? hidden : this.#maxPool.forward(hidden); // [B, width, H'', W'']
  }
}

/** How many blocks each stage of a state dict has. */
function blocksOf(state: nn.StateDict): number[] {
  const starts = Object.keys(state).map((name) => /^layer\d\.\d+\./.exec(name)?.[0]);
  const found = [...new Set(starts)];
  return [1, 2, 3, 4].map((stage) => found.filter((start) => start?.startsWith(`layer${stage}.`)).length);
}

function family(design: Design): BackboneFamily {
  const { block, blocks } = design;
  return {
    levels: (spec) => levelsOf(spec, block),
    build: (spec, generator) => noGrad(() => new ResNet(spec, design, generator)),
    specOf(state) {
      const first = state["conv1.weight"];
      const found = state["layer1.0.conv3.weight"] === undefined ? BasicBlock : Bottleneck;
      if (first === undefined || found !== block || blocksOf(state).join() !== blocks.join()) return null;
      const [width, , kernel] = first.shape;
      return { width, stem: kernel === 7 ? "imagenet" : "small" };
    },
  };
}

/** ResNets with two 3x3 convolutions in a block, such as ResNet-18; `blocks` in each stage. */
export const basicResNet = (blocks: Design["blocks"]): BackboneFamily =>
  family({ block: BasicBlock, blocks });

/** ResNets whose blocks narrow their input before the 3x3 convolution, such as ResNet-50; `blocks` in each stage. */
export const bottleneckResNet = (blocks: Design["blocks"]): BackboneFamily =>
  family({ block: Bottleneck, blocks });
