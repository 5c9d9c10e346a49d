import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** The larger of 0 and each element. */
export class ReLU extends Module {
  forward(input: Tensor): Tensor {
    return ops.relu(input);
  }
}

/** Hendrycks and Gimpel 2016: each element times the normal distribution function of it. */
export class GELU extends Module {
  forward(input: Tensor): Tensor {
    return ops.gelu(input);
  }
}

/** Returns its input. */
export class Identity extends Module {
  forward(input: Tensor): Tensor {
    return input;
  }
}

/** `[B, ...]` to `[B, n]`. */
export class Flatten extends Module {
  forward(input: Tensor): Tensor {
    return ops.flatten(input, { startDim: 1 });
  }
}
