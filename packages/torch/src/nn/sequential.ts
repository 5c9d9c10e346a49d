import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** Modules in a row; state-dict names are their numbers, as in PyTorch. */
export class Sequential extends Module {
  readonly layers: readonly Module[];

  constructor(...layers: Module[]) {
    super();
    this.layers = layers;
  }

  override *children(): Generator<[string, Module]> {
    for (const [i, layer] of this.layers.entries()) yield [String(i), layer];
  }

  forward(input: Tensor): Tensor {
    // What a layer made on the way is freed with its scope, unless backward will need it.
    return this.layers.reduce((x, layer) => scope(() => layer.forward(x)), input);
  }
}
