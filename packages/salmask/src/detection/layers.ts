/** Layers that several parts of a detector have. */
import { type Generator, nn, noGrad } from "@salmask/torch";

export interface ConvBlockOptions {
  readonly kernelSize: number;
  /** Batch normalisation instead of a bias. */
  readonly norm?: boolean;
  readonly relu?: boolean;
  readonly generator: Generator;
}

/** A convolution that keeps the plane's size, and what follows it: torchvision's `Conv2dNormActivation`, by its names. */
export function convBlock(
  input: number,
  output: number,
  { kernelSize, norm = false, relu = true, generator }: ConvBlockOptions,
): nn.Sequential {
  const padding = (kernelSize - 1) / 2;
  const conv = new nn.Conv2d(input, output, { kernelSize, padding, bias: !norm, generator });
  const after = [...(norm ? [new nn.BatchNorm2d(output)] : []), ...(relu ? [new nn.ReLU()] : [])];
  return new nn.Sequential(conv, ...after);
}

/** Draws the convolutions below a module anew, and sets their biases to 0. */
export function drawConvs(module: nn.AnyModule, draw: (conv: nn.Conv2d) => void): void {
  noGrad(() => {
    for (const [, part] of module.namedModules()) {
      if (!(part instanceof nn.Conv2d)) continue;
      draw(part);
      part.bias?.zero_();
    }
  });
}
