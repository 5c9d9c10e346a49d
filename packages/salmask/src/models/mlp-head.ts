/** Stacks of linear layers: projectors and predictors of methods that normalise them. */
import { type Generator, nn, noGrad } from "@salmask/torch";

export interface MlpHeadOptions {
  /** From the input to the output, at least two. */
  readonly widths: readonly number[];
  /** What follows the last linear layer: batch norm with or without weights of its own, or nothing. */
  readonly lastNorm: "affine" | "plain" | "none";
  /** Whether the last linear layer has a bias where no batch norm follows it. Default: true. */
  readonly lastBias?: boolean;
  readonly generator: Generator;
}

/**
 * Linear layers; between them batch normalisation and ReLU. `[B, widths[0]]` to `[B, widths.at(-1)]`. A linear layer before batch
 * normalisation has no bias, which the normalisation would take away again.
 */
export function mlpHead({ widths, lastNorm, lastBias = true, generator }: MlpHeadOptions): nn.Sequential {
  const last = widths.length - 2;
  return noGrad(() => {
    const layers = widths.slice(1).flatMap((output, i): nn.Module[] => {
      const isNormalised = i < last || lastNorm !== "none";
      const linear = new nn.Linear(widths[i], output, { bias: !isNormalised && lastBias, generator });
      if (i < last) return [linear, new nn.BatchNorm1d(output), new nn.ReLU()];
      return isNormalised
        ? [linear, new nn.BatchNorm1d(output, { affine: lastNorm === "affine" })]
        : [linear];
    });
    return new nn.Sequential(...layers);
  });
}
