/** An encoder to be exported, and what an export says of it. */
import type { nn } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import { hashOfFile } from "../base/files.js";
import { IMAGENET_NORMALIZATION } from "../image/normalize.js";
import type { Fill } from "../masking/fills/fill.js";
import type { Backbone, BackboneSpec } from "../models/backbone.js";
import { centralFraction } from "../tasks/probe/features.js";
import { type ClassifierLayer, loadBackbone, loadClassifierLayer } from "../weights/files.js";
import { highPassOf, inputOf } from "../weights/metadata.js";
import { graphFamilies } from "./backbones/registry.js";
import { type TorchvisionNetwork, torchvisionNetwork } from "./torchvision.js";

/** How pictures have to be prepared. */
export interface ExportedInput {
  /** Of a square picture, in pixels. */
  readonly side: number;
  /** What the shorter side of a photo is resized to, before the square in its middle is cut out. */
  readonly shortSide: number;
  /** Of red, green and blue in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The filter after that: each pixel less the Gaussian mean around it, with reflected borders; null where there is none. */
  readonly highPass: { readonly kernel: number; readonly sigma: number } | null;
}

/** What the file `salmask.json` of an encoder's export says. */
export interface EncoderDescription {
  readonly kind: "encoder";
  /** Of the file with the weights. */
  readonly sha256: string;
  readonly backbone: BackboneSpec;
  /** Length of a picture's vector. */
  readonly features: number;
  /** Pixels per place of the feature maps, along each side. */
  readonly stride: number;
  readonly input: ExportedInput;
  /** Names of the classes of the linear layer on top; null where there is none. */
  readonly classes: readonly string[] | null;
  /** How torchvision builds the network; null where none of its classes fits. */
  readonly torchvision: TorchvisionNetwork | null;
}

export class ExportedEncoder {
  private constructor(
    readonly backbone: Backbone,
    readonly classifier: ClassifierLayer | null,
    /** Its `prepare` was applied to every training picture. */
    readonly fill: Fill,
    readonly metadata: Readonly<Record<string, string>>,
    readonly description: EncoderDescription,
  ) {}

  /**
   * Reads a safetensors file. `side` of the pictures is that of training where it is not given. Throws {@link CheckpointError}
   * for a file that is not of an encoder, and {@link UsageError} `bad-side`.
   */
  static async open(path: string, side?: number): Promise<ExportedEncoder> {
    const sha256 = await hashOfFile(path);
    const { backbone, metadata } = loadBackbone(path);
    try {
      const { crop, fill } = inputOf(metadata);
      const { outChannels: features, stride, spec } = backbone;
      const pixels = side ?? crop;
      if (!graphFamilies[spec.arch].takesAnySize && pixels % stride !== 0) {
        throw new UsageError(
          "bad-side",
          `Expected a side of whole patches of ${stride} pixels for --side, got ${pixels}.`,
        );
      }
      const classifier = metadata.classes === undefined ? null : loadClassifierLayer(path, backbone);
      const classes: readonly string[] | null = classifier === null ? null : JSON.parse(metadata.classes);
      const { mean, std } = IMAGENET_NORMALIZATION;
      const description = {
        kind: "encoder",
        sha256,
        backbone: spec,
        features,
        stride,
        input: {
          side: pixels,
          shortSide: Math.round(pixels / centralFraction(pixels)),
          mean,
          std,
          highPass: highPassOf(metadata),
        },
        classes,
        torchvision: torchvisionNetwork(backbone, pixels, classes?.length ?? null),
      } as const;
      return new ExportedEncoder(backbone, classifier, fill, metadata, description);
    } catch (error) {
      backbone.dispose();
      throw error;
    }
  }

  /** All tensors, with the linear layer's where there is one. */
  weights(): nn.StateDict {
    const state = this.backbone.stateDict();
    if (this.classifier === null) return state;
    const { weight, bias } = this.classifier;
    const name = this.backbone.classifierName;
    return { ...state, [`${name}.weight`]: weight, [`${name}.bias`]: bias };
  }

  [Symbol.dispose](): void {
    this.backbone.dispose();
    this.classifier?.weight.dispose();
    this.classifier?.bias.dispose();
  }
}
