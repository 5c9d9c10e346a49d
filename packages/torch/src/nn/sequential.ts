import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { type AnyModule, Module } from "./module.js";

/** Modules that run one after the other. Their names in the state dict are their numbers, as in PyTorch. */
export class Sequential extends Module {
  readonly layers: readonly Module[];

  constructor(...layers: Module[]) {
    super();
    this.layers = layers;
  }

  override *children(): Generator<[string, AnyModule]> {
    for (const [i, layer] of this.layers.entries()) yield [String(i), layer];
  }

  forward(input: Tensor): Tensor {
    let x = input;
    for (const layer of this.layers) {
      // Frees the layer's intermediate tensors, then its input, except where backward needs them.
      const output = scope(() => layer.forward(x));
      if (x !== input && x !== output) x.dispose();
      x = output;
    }
    return x;
  }
}
