import { type BlurOptions, blurFill } from "./blur.js";
import type { Fill } from "./fill.js";
import { type HighPassOptions, highPassFill } from "./high-pass.js";
import { meanFill } from "./mean.js";
import { noFill } from "./none.js";

/** The settings of every fill that has any. */
export interface FillSettings {
  readonly highPass: HighPassOptions;
  readonly blur: BlurOptions;
}

const fills = {
  none: noFill,
  "high-pass": ({ highPass }: FillSettings) => highPassFill(highPass),
  blur: ({ blur }: FillSettings) => blurFill(blur),
  mean: meanFill,
} satisfies Record<string, (settings: FillSettings) => Fill>;

export type FillName = keyof typeof fills;

/** The fill that the options name, with its settings. */
export function fillOf(options: FillSettings & { readonly fill: FillName }): Fill {
  return fills[options.fill](options);
}
