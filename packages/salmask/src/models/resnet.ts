import { type Generator, nn, noGrad, scope, type Tensor } from "@salmask/torch";

/** The depths that are built: basic blocks for 18, bottlenecks for 50. */
export type ResNetDepth = 18 | 50;

/** `imagenet`: 7x7 convolution of stride 2, then max pooling. `small`: 3x3 of stride 1, for images of 32 to 64 px. */
export type ResNetStem = "imagenet" | "small";

/** Pixels of the input that one cell of the last feature maps stands for, along each side. */
export function strideOf(stem: ResNetStem): number {
  return stem === "small" ? 8 : 32;
}

export interface ResNetOptions {
  depth: ResNetDepth;
  stem: ResNetStem;
  /** Channels of the first stage; torchvision's nets have 64. */
  width: number;
  /** The weights' start is drawn from it. */
  generator: Generator;
}

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
    // The stride sits on the 3x3 convolution, as in torchvision (ResNet v1.5).
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

const designs = {
  18: { block: BasicBlock, blocks: [2, 2, 2, 2] },
  50: { block: Bottleneck, blocks: [3, 4, 6, 3] },
} as const;

/**
 * A residual network without its classifier (He et al. 2016), with torchvision's state-dict names
 * (`conv1.weight`, `layer1.0.bn1.running_mean`, `layer2.0.downsample.0.weight`).
 */
export class ResNet extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  readonly #maxPool: nn.MaxPool2d | null;
  /** Channels of the last feature maps. */
  readonly outChannels: number;
  /** Pixels of the input that one cell of the last feature maps stands for, along each side. */
  readonly stride: number;

  constructor(
    readonly options: Omit<ResNetOptions, "generator">,
    generator: Generator,
  ) {
    super();
    const { depth, stem, width } = options;
    const { block, blocks } = designs[depth];
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
    this.outChannels = input;
    this.stride = strideOf(stem);
  }

  /** `[B, 3, H, W]` to the last feature maps `[B, outChannels, H / stride, W / stride]`. */
  features(input: Tensor): Tensor {
    // Each stage's input is freed once it was used, unless backward will need it.
    return scope(() => {
      let x = scope(() => this.#stem(input)); // [B, width, H', W']
      for (const layer of [this.layer1, this.layer2, this.layer3, this.layer4]) {
        const output = layer.forward(x);
        x.dispose();
        x = output;
      }
      return x;
    });
  }

  #stem(input: Tensor): Tensor {
    const hidden = this.bn1.forwardRelu(this.conv1.forward(input)); // [B, width, H', W']
    return this.#maxPool === null ? hidden : this.#maxPool.forward(hidden); // [B, width, H'', W'']
  }

  /** `[B, 3, H, W]` to the features' means over the plane, `[B, outChannels]`. */
  forward(input: Tensor): Tensor {
    return this.features(input).mean([2, 3]); // [B, outChannels]
  }
}

/** A ResNet with fresh weights, drawn from the generator. */
export function resnet(options: ResNetOptions): ResNet {
  const { generator, ...shape } = options;
  return noGrad(() => new ResNet(shape, generator));
}
