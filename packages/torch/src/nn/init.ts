import { noGrad } from "../autograd.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";

/** How many inputs and outputs one unit of a weight `[out, in, ...kernel]` has. */
function fans(weight: Tensor): { fanIn: number; fanOut: number } {
  const [out, input, ...kernel] = weight.shape;
  const field = kernel.reduce((product, side) => product * side, 1);
  return { fanIn: input * field, fanOut: out * field };
}

/** He et al. 2015 for ReLU: normal with variance 2 / fan. torchvision's ResNets use `fanOut` for convolutions. */
export function kaimingNormal_(weight: Tensor, mode: "fanIn" | "fanOut", generator: Generator): Tensor {
  const { fanIn, fanOut } = fans(weight);
  return noGrad(() => weight.normal_({ std: Math.sqrt(2 / (mode === "fanIn" ? fanIn : fanOut)), generator }));
}

/** Glorot and Bengio 2010: uniform with variance 2 / (fan-in + fan-out), as PyTorch's `xavier_uniform_`. */
export function xavierUniform_(weight: Tensor, generator: Generator): Tensor {
  const { fanIn, fanOut } = fans(weight);
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return noGrad(() => weight.uniform_({ from: -bound, to: bound, generator }));
}

/** Uniform in +-1 / sqrt(fanIn): PyTorch's default for linear layers, convolutions and their biases. */
export function uniformFanIn_(tensor: Tensor, fanIn: number, generator: Generator): Tensor {
  const bound = 1 / Math.sqrt(fanIn);
  return noGrad(() => tensor.uniform_({ from: -bound, to: bound, generator }));
}

/** The fan-in of a weight `[out, in, ...kernel]`. */
export function fanIn(weight: Tensor): number {
  return fans(weight).fanIn;
}
