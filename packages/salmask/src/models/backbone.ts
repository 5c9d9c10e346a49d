/** The interface of every encoder's backbone, independent of its family. Code outside this folder uses nothing else. */
import { type Generator, nn, type Tensor } from "@salmask/torch";
import type { ModelSettings } from "./settings.js";

/** The parameters of a backbone. It is JSON, so that weights files and exports can contain it. */
export type BackboneSpec = ModelSettings;

/** Feature maps of a backbone. */
export interface FeatureLevel {
  /** torchvision's name of the layer that computes them, such as `layer4`. */
  readonly name: string;
  /** Pixels of the input per position, along each side. */
  readonly stride: number;
  readonly channels: number;
}

/**
 * A network that turns pictures into feature maps and one vector per picture. Its state dict has the names of torchvision or timm.
 * `dispose` frees its weights.
 */
export abstract class Backbone extends nn.Module {
  abstract readonly spec: BackboneSpec;
  /** From fine to coarse; at least one. */
  abstract readonly levels: readonly FeatureLevel[];

  /**
   * The layers that make each level's feature maps of the level's before, `[B, channels, H / stride, W / stride]`; those of the
   * first follow the stem.
   */
  abstract readonly stages: readonly nn.Module[];

  /**
   * `[B, 3, H, W]` to the feature maps of the first `count` levels, all where it is not given: `[B, channels, H / stride,
   * W / stride]` each.
   */
  abstract pyramid(input: Tensor, count?: number): Tensor[];

  /** `[B, 3, H, W]` to the last level's feature maps, `[B, outChannels, H / stride, W / stride]`. */
  abstract features(input: Tensor): Tensor;

  /** `[B, 3, H, W]` to one vector per picture, `[B, outChannels]`. */
  abstract override forward(input: Tensor): Tensor;

  /** The library's name of a linear layer on top, such as `fc`: under it other tools expect the weights of a classifier. */
  abstract readonly classifierName: string;

  /** Channels of the last level. */
  get outChannels(): number {
    return this.levels[this.levels.length - 1].channels;
  }

  /** Stride of the last level, in pixels. */
  get stride(): number {
    return this.levels[this.levels.length - 1].stride;
  }
}

/** What a backbone with a class token has beside the rest. */
export interface ClassAttention {
  /** `[B, 3, H, W]` to the class token's attention to each place in the last block, mean over the heads, `[B, 1, H / stride, W / stride]`. */
  classAttention(input: Tensor): Tensor;
}

/** Whether a network has a class token. */
export function hasClassToken<N extends nn.Module>(network: N): network is N & ClassAttention {
  return "classAttention" in network;
}

/** How to build the backbones of an architecture, and how to recognise their weights. */
export interface BackboneFamily {
  /** The levels of a backbone with this specification, without building it. */
  levels(spec: BackboneSpec): readonly FeatureLevel[];
  /** A backbone with new random weights from the generator. */
  build(spec: BackboneSpec, generator: Generator): Backbone;
  /** What the names and shapes of a state dict say beside the architecture; null if they belong to another one. */
  specOf(state: nn.StateDict): Omit<BackboneSpec, "arch"> | null;
}
