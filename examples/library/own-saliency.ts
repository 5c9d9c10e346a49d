import { ops, scope } from "@salmask/torch";
import { loadConfig, type PretrainSummary, pretrain, type SaliencySource } from "salmask";

/** A cell is salient where its colour is far from the crop's mean. */
const colourContrast: SaliencySource = {
  name: "colour-contrast",
  maps: (crops, { rows, cols }) =>
    scope(() => {
      const colours = ops.adaptiveAvgPool2d(crops, [rows, cols]); // [B, 3, rows, cols]
      const mean = crops.mean([2, 3], { keepdim: true }); // [B, 3, 1, 1]
      return colours.sub(mean).pow(2).sum([1]); // [B, rows, cols]
    }),
  dispose() {},
};

/** Trains with a saliency source from outside. */
export function pretrainWithOwnSaliency(
  photos: string,
  out: string,
  options: Record<string, unknown> = {},
): Promise<PretrainSummary> {
  return pretrain({ photos, out, config: loadConfig(options), own: { saliency: colourContrast } });
}
