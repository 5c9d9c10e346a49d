import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { type AnyModule, Module } from "./module.js";

/** Modules in a row; state-dict names are their numbers, as in PyTorch. */
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
      // What a layer made on the way, and then what it was given, is freed, unless backward will need it.
      const output = scope(() => layer.forward(x));
      if (x !== input && x !== output) x.dispose();
      x = output;
    }
    return x;
  }
}
