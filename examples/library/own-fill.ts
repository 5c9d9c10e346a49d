import {
  builtInMethods,
  cellsOnly,
  type Fill,
  type HostSettings,
  loadConfig,
  type PretrainSummary,
  pretrain,
} from "salmask";

/** Masked cells show the crop upside down. */
const upsideDown: Fill = {
  name: "upside-down",
  shapes: cellsOnly,
  prepare: (crops) => crops, // [B, 3, H, W]
  replacement: (prepared) => prepared.flip([2]), // [B, 3, H, W]
};

/** Trains the method of the settings with a fill from outside. */
export function pretrainWithOwnFill(
  photos: string,
  out: string,
  options: Record<string, unknown> = {},
): Promise<PretrainSummary> {
  // The weights file names the fill of the settings, and probes prepare their photos by it: `mean` leaves them as they are too.
  const config = loadConfig({ ...options, "mask.fill": "mean" });
  const recipe = (settings: HostSettings) => ({ ...builtInMethods.recipe(settings), fill: upsideDown });
  return pretrain({ photos, out, config, own: { method: { ...builtInMethods, recipe } } });
}
