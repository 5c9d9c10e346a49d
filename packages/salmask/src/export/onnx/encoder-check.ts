/** An encoder's graph beside the encoder itself. */
import { fromTypedArray, noGrad, scope } from "@salmask/torch";
import { normalize } from "../../image/normalize.js";
import { graphFamilies } from "../backbones/registry.js";
import type { ExportedEncoder } from "../encoder.js";
import type { PixelType } from "../targets.js";
import {
  type Checked,
  checkOnnx,
  largestDifference,
  type Output,
  outputOf,
  type Pictures,
  randomPictures,
} from "./check.js";
import { encoderPorts } from "./encoder-graph.js";

/** What the encoder computes, with pictures prepared as its training prepared them. */
function expectedOf(
  { backbone, classifier, fill }: ExportedEncoder,
  { shape, pixels }: Pictures,
): Record<string, Output> {
  return noGrad(() =>
    scope(() => {
      const shares = fromTypedArray(pixels, shape).to({ dtype: "float32" }).div_(255); // [B, 3, H, W]
      const seen = fill.prepare(normalize(shares)); // [B, 3 or 4, H, W]
      const vectors = backbone.forward(seen); // [B, features]
      const outputs = {
        [encoderPorts.features]: outputOf(vectors),
        [encoderPorts.maps]: outputOf(backbone.features(seen)),
      };
      if (classifier === null) return outputs;
      const scores = vectors.matmul(classifier.weight.t()).add(classifier.bias); // [B, classes]
      return { ...outputs, [encoderPorts.scores]: outputOf(scores) };
    }),
  );
}

/** One picture and three; where the graph takes any size, one that is not square too. */
export function checkEncoder(
  runtime: typeof import("onnxruntime-node"),
  encoder: ExportedEncoder,
  file: Uint8Array,
  pixels: PixelType,
): Promise<Checked> {
  const { side } = encoder.description.input;
  const { takesAnySize } = graphFamilies[encoder.backbone.spec.arch];
  const wider = takesAnySize ? [randomPictures(1, side, side + encoder.backbone.stride)] : [];
  return checkOnnx(runtime, {
    file,
    input: encoderPorts.input,
    pixels,
    batches: [randomPictures(1, side, side), randomPictures(3, side, side), ...wider],
    compare: (pictures, found) => largestDifference(pictures, expectedOf(encoder, pictures), found),
  });
}
