/** Liu et al. 2022, "A ConvNet for the 2020s", with torchvision's state-dict names. Stochastic depth is left out. */
import { type Generator, nn, noGrad, ones, scope, type Tensor } from "@salmask/torch";
import { Backbone, type BackboneFamily, type BackboneSpec, type FeatureLevel } from "./backbone.js";

/** Of every norm, as in the paper's code. */
export const layerNormEps = 1e-6;
/** What layer scale starts with (Touvron et al. 2021, "Going deeper with Image Transformers"). */
const firstScale = 1e-6;
/** Standard deviation of new weights. torchvision draws none beyond 2, which are 100 deviations. */
const weightDeviation = 0.02;

class Permute extends nn.Module {
  constructor(private readonly order: readonly number[]) {
    super();
  }

  forward(input: Tensor): Tensor {
    return input.permute(this.order);
  }
}

/** Layer norm over the channels of each place. `[B, C, H, W]` to the same shape, with channels last. */
class LayerNorm2d extends nn.LayerNorm {
  override forward(input: Tensor): Tensor {
    const normalised = super.forward(input.permute([0, 2, 3, 1])); // [B, H, W, C]
    return normalised.permute([0, 3, 1, 2]); // [B, C, H, W]
  }
}

function conv(
  input: number,
  output: number,
  shape: { kernelSize: number; stride?: number; padding?: number; groups?: number },
  generator: Generator,
): nn.Conv2d {
  return drawn(new nn.Conv2d(input, output, { ...shape, generator }), generator);
}

function linear(input: number, output: number, generator: Generator): nn.Linear {
  return drawn(new nn.Linear(input, output, { generator }), generator);
}

function drawn<L extends nn.Conv2d | nn.Linear>(layer: L, generator: Generator): L {
  layer.weight.normal_({ std: weightDeviation, generator });
  layer.bias?.zero_();
  return layer;
}

/** `[B, channels, H, W]` to the same shape. */
class Block extends nn.Module {
  readonly block: nn.Sequential;
  readonly layerScale: Tensor;

  constructor(channels: number, generator: Generator) {
    super();
    this.block = new nn.Sequential(
      conv(channels, channels, { kernelSize: 7, padding: 3, groups: channels }, generator),
      new Permute([0, 2, 3, 1]),
      new nn.LayerNorm(channels, { eps: layerNormEps }),
      linear(channels, 4 * channels, generator),
      new nn.GELU(),
      linear(4 * channels, channels, generator),
      new Permute([0, 3, 1, 2]),
    );
    this.layerScale = this.registerParameter("layer_scale", ones([channels, 1, 1]).mul_(firstScale));
  }

  forward(input: Tensor): Tensor {
    return this.block.forward(input).mul(this.layerScale).add(input);
  }
}

function levelsOf({ width, stem }: BackboneSpec): FeatureLevel[] {
  const first = patchOf(stem);
  return [1, 2, 4, 8].map((factor, i) => ({
    name: `features.${2 * i + 1}`,
    stride: first * factor,
    channels: width * factor,
  }));
}

const patchOf = (stem: BackboneSpec["stem"]) => (stem === "small" ? 1 : 4);

/** Blocks of each stage. */
type Blocks = readonly [number, number, number, number];

/**
 * A ConvNeXt without its classifier, with torchvision's names: `features.0` the stem, `features.1`, `3`, `5` and `7` the stages, and
 * between them what halves the planes; `classifier.0` is the norm of the mean over the last level's places. The stem `imagenet`
 * makes one place of 4 x 4 pixels; `small` of each pixel, so that photos of 32 to 64 pixels have the grid that a ResNet
 * with its small stem gives them.
 */
class ConvNeXt extends Backbone {
  override readonly levels: readonly FeatureLevel[];
  override readonly classifierName = "classifier.2";
  readonly layers: nn.Sequential;
  readonly norm: nn.LayerNorm;
  readonly #stages: readonly nn.Sequential[];

  constructor(
    override readonly spec: BackboneSpec,
    blocks: Blocks,
    generator: Generator,
  ) {
    super();
    const { width, stem } = spec;
    this.levels = levelsOf(spec);
    const patch = patchOf(stem);
    const layers: nn.Sequential[] = [];
    for (const [i, { channels }] of this.levels.entries()) {
      const before =
        i === 0
          ? [
              conv(3, width, { kernelSize: patch, stride: patch }, generator),
              new LayerNorm2d(width, { eps: layerNormEps }),
            ]
          : [
              new LayerNorm2d(channels / 2, { eps: layerNormEps }),
              conv(channels / 2, channels, { kernelSize: 2, stride: 2 }, generator),
            ];
      const stage = Array.from({ length: blocks[i] }, () => new Block(channels, generator));
      layers.push(new nn.Sequential(...before), new nn.Sequential(...stage));
    }
    this.layers = new nn.Sequential(...layers);
    this.norm = new nn.LayerNorm(this.outChannels, { eps: layerNormEps });
    this.#stages = this.levels.map((_, i) =>
      i === 0 ? layers[1] : new nn.Sequential(layers[2 * i], layers[2 * i + 1]),
    );
  }

  override *children(): Iterable<[string, nn.AnyModule]> {
    yield ["features", this.layers];
    yield ["classifier.0", this.norm];
  }

  /** What halves the planes before a stage is part of it. */
  override get stages(): readonly nn.Sequential[] {
    return this.#stages;
  }

  override pyramid(input: Tensor, count = this.levels.length): Tensor[] {
    let x = this.layers.layers[0].forward(input); // [B, width, H', W']
    return this.#stages.slice(0, count).map((stage) => {
      x = stage.forward(x);
      return x; // [B, channels, H / stride, W / stride]
    });
  }

  override features(input: Tensor): Tensor {
    return this.layers.forward(input); // [B, outChannels, H / stride, W / stride]
  }

  override forward(input: Tensor): Tensor {
    return scope(() => this.norm.forward(this.features(input).mean([2, 3]))); // [B, outChannels]
  }
}

/** How many blocks each stage of a state dict has. */
function blocksOf(state: nn.StateDict): number[] {
  const names = Object.keys(state);
  return [1, 3, 5, 7].map((stage) => {
    const scales = new RegExp(`^features[.]${stage}[.]\\d+[.]layer_scale$`);
    return names.filter((name) => scales.test(name)).length;
  });
}

/** ConvNeXts with `blocks` in each stage. */
export const convNeXt = (blocks: Blocks): BackboneFamily => ({
  levels: levelsOf,
  build: (spec, generator) => noGrad(() => new ConvNeXt(spec, blocks, generator)),
  specOf(state) {
    const first = state["features.0.0.weight"];
    if (first === undefined || blocksOf(state).join() !== blocks.join()) return null;
    const [width, , kernel] = first.shape;
    return { width, stem: kernel === 4 ? "imagenet" : "small" };
  },
});
