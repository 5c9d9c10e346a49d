/** What every encoder's trunk can do, whatever its family: nothing outside this room asks for more. */
import { type Generator, nn, type Tensor } from "@salmask/torch";
import type { ModelSettings } from "./settings.js";

/** What a backbone is built from. It is JSON, so that weights files and exports can carry it. */
export type BackboneSpec = ModelSettings;

/** Feature maps that a backbone offers. */
export interface FeatureLevel {
  /** torchvision's name of the layer that makes them, such as `layer4`. */
  readonly name: string;
  /** Pixels of the input that one place stands for, along each side. */
  readonly stride: number;
  readonly channels: number;
}

export abstract class Backbone extends nn.Module {
  abstract readonly spec: BackboneSpec;
  /** From fine to coarse; there is at least one. */
  abstract readonly levels: readonly FeatureLevel[];

  /** `[B, 3, H, W]` to the feature maps of every level, `[B, channels, H / stride, W / stride]` each. */
  abstract pyramid(input: Tensor): Tensor[];

  /** `[B, 3, H, W]` to the last level's feature maps, `[B, outChannels, H / stride, W / stride]`. */
  abstract features(input: Tensor): Tensor;

  /** `[B, 3, H, W]` to one vector per picture, `[B, outChannels]`. */
  abstract override forward(input: Tensor): Tensor;

  /** Channels of the last level. */
  get outChannels(): number {
    return this.levels[this.levels.length - 1].channels;
  }

  /** Stride of the last level, in pixels. */
  get stride(): number {
    return this.levels[this.levels.length - 1].stride;
  }
}

/** How one family of backbones is built, and how its weights are told from others. */
export interface BackboneFamily {
  /** The levels of a backbone of this specification, without building it. */
  levels(spec: BackboneSpec): readonly FeatureLevel[];
  /** Fresh weights, drawn from the generator. */
  build(spec: BackboneSpec, generator: Generator): Backbone;
  /** The specification that a state dict's names and shapes show; null where it is of another family. */
  specOf(state: nn.StateDict): BackboneSpec | null;
}
