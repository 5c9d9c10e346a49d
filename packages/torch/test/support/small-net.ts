import { Generator, nn } from "@salmask/torch";

/** `[B, 3, H, W]` to `[B, 5]`: the network of `goldens/optim_golden.py` and `goldens/nn_golden.py`. */
export function smallNet(): nn.Sequential {
  const generator = new Generator(3);
  return new nn.Sequential(
    new nn.Conv2d(3, 8, { kernelSize: 3, padding: 1, bias: false, generator }),
    new nn.BatchNorm2d(8),
    new nn.ReLU(),
    new nn.MaxPool2d({ kernelSize: 2 }),
    new nn.Conv2d(8, 8, { kernelSize: 3, stride: 2, generator }),
    new nn.ReLU(),
    new nn.AdaptiveAvgPool2d([1, 1]),
    new nn.Flatten(),
    new nn.Linear(8, 5, { generator }),
  );
}
