import type { FillName, FillSettings } from "../settings.js";
import { blurFill } from "./blur.js";
import type { Fill } from "./fill.js";
import { hiddenFill } from "./hidden.js";
import { highPassFill } from "./high-pass.js";
import { meanFill } from "./mean.js";
import { noiseFill } from "./noise.js";
import { noFill } from "./none.js";
import { otherPhotoFill } from "./other-photo.js";
import { zeroFill } from "./zero.js";

const fills: Record<FillName, (settings: FillSettings) => Fill> = {
  none: noFill,
  "high-pass": ({ highPass }) => highPassFill(highPass),
  blur: ({ blur }) => blurFill(blur),
  mean: meanFill,
  zero: zeroFill,
  noise: ({ noise }) => noiseFill(noise),
  "other-photo": otherPhotoFill,
  hidden: hiddenFill,
};

/** Makes the fill of the options, with its settings. */
export function fillOf(options: FillSettings & { readonly fill: FillName }): Fill {
  return fills[options.fill](options);
}
