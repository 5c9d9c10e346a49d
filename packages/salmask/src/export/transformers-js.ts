/** What transformers.js reads beside a graph: which class loads it, and how photos become its input. */
import type { BackboneSpec } from "../models/backbone.js";
import type { EncoderDescription } from "./encoder.js";

/** The model type of Hugging Face's that has the same inputs and outputs. */
const modelTypes: Readonly<Record<BackboneSpec["arch"], { type: string; classPrefix: string }>> = {
  resnet18: { type: "resnet", classPrefix: "ResNet" },
  resnet34: { type: "resnet", classPrefix: "ResNet" },
  resnet50: { type: "resnet", classPrefix: "ResNet" },
  resnet101: { type: "resnet", classPrefix: "ResNet" },
  convnext_tiny: { type: "convnext", classPrefix: "ConvNext" },
  vit_tiny: { type: "vit", classPrefix: "ViT" },
  vit_small: { type: "vit", classPrefix: "ViT" },
};

/** `config.json` */
export function modelConfig({ backbone, classes }: EncoderDescription): Record<string, unknown> {
  const { type, classPrefix } = modelTypes[backbone.arch];
  if (classes === null) return { model_type: type, architectures: [`${classPrefix}Model`] };
  return {
    model_type: type,
    architectures: [`${classPrefix}ForImageClassification`],
    id2label: Object.fromEntries(classes.entries()),
    label2id: Object.fromEntries(Array.from(classes.entries(), ([id, name]) => [name, id])),
  };
}

/** `preprocessor_config.json`: size alone, since the graph does the rest. */
export function preprocessorConfig({ input }: EncoderDescription): Record<string, unknown> {
  return {
    image_processor_type: "ImageProcessor",
    do_convert_rgb: true,
    do_resize: true,
    size: { shortest_edge: input.shortSide },
    // Pillow's number of bilinear resampling.
    resample: 2,
    do_center_crop: true,
    crop_size: { height: input.side, width: input.side },
    do_rescale: false,
    do_normalize: false,
  };
}
