import { noGrad } from "../autograd.js";
import type { MemoryFormat } from "../dtype.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

/** Names to tensors, in PyTorch's order and with PyTorch's names (`layer1.0.conv1.weight`). */
export type StateDict = Record<string, Tensor>;

/** A module with any input and output, where only its parameters matter. */
export type AnyModule = Module<never, unknown>;

/**
 * A part of a network. It holds parameters, buffers and other modules as plain properties; the property names form the
 * keys of the state dict, as in PyTorch. `train` and `eval` switch this module and all modules below it. Input and
 * output are one tensor each, unless `Input` and `Output` say otherwise: a detector takes a list of images and returns
 * a record.
 */
export abstract class Module<Input = Tensor, Output = Tensor> {
  /** Whether the module is in training mode, as a new one is. */
  training = true;
  readonly #parameters = new Map<string, Tensor>();
  readonly #buffers = new Map<string, Tensor>();

  /** Runs the module; its class says which shapes it takes and gives. The result belongs to the surrounding scope. */
  abstract forward(input: Input): Output;

  /** Registers a trainable tensor. It outlives every scope. Returns it. */
  protected registerParameter(name: string, tensor: Tensor): Tensor {
    tensor.requiresGrad = true;
    this.#parameters.set(name, keep(tensor));
    return tensor;
  }

  /** Registers a tensor that is part of the state but is not trained. It outlives every scope. Returns it. */
  protected registerBuffer(name: string, tensor: Tensor): Tensor {
    this.#buffers.set(name, keep(tensor));
    return tensor;
  }

  /** The modules directly below, in the order of their properties. */
  *children(): Iterable<[string, AnyModule]> {
    for (const [name, value] of Object.entries(this)) if (value instanceof Module) yield [name, value];
  }

  /** This module and all modules below it, each with its dotted name. */
  *namedModules(prefix = ""): Generator<[string, AnyModule]> {
    yield [prefix, this];
    for (const [name, child] of this.children())
      yield* child.namedModules(prefix === "" ? name : `${prefix}.${name}`);
  }

  /** The trainable tensors of this module and of all below it, each with its dotted name. */
  *namedParameters(): Generator<[string, Tensor]> {
    for (const [path, module] of this.namedModules()) {
      for (const [name, tensor] of module.#parameters) yield [path === "" ? name : `${path}.${name}`, tensor];
    }
  }

  /** The trainable tensors of this module and of all below it. */
  parameters(): Tensor[] {
    return Array.from(this.namedParameters(), ([, tensor]) => tensor);
  }

  /** The tensors that are part of the state but are not trained, each with its dotted name. */
  *namedBuffers(): Generator<[string, Tensor]> {
    for (const [path, module] of this.namedModules()) {
      for (const [name, tensor] of module.#buffers) yield [path === "" ? name : `${path}.${name}`, tensor];
    }
  }

  /** The live parameters and buffers, not copies. */
  stateDict(): StateDict {
    const state: StateDict = {};
    for (const [path, module] of this.namedModules()) {
      for (const [name, tensor] of [...module.#parameters, ...module.#buffers]) {
        state[path === "" ? name : `${path}.${name}`] = tensor;
      }
    }
    return state;
  }

  /**
   * Copies values into this module. Throws an error that lists every missing name, unexpected name and wrong shape; in
   * that case nothing is changed.
   */
  loadStateDict(state: StateDict): void {
    const own = this.stateDict();
    const faults = [
      ...Object.keys(own)
        .filter((name) => !(name in state))
        .map((name) => `missing ${name}`),
      ...Object.keys(state)
        .filter((name) => !(name in own))
        .map((name) => `unexpected ${name}`),
      ...Object.keys(own)
        .filter((name) => name in state && own[name].shape.join() !== state[name].shape.join())
        .map((name) => `${name}: expected shape [${own[name].shape}], got [${state[name].shape}]`),
    ];
    if (faults.length > 0) {
      const shown = faults.slice(0, 8).join("; ");
      throw new Error(
        `the weights do not fit the module: ${shown}${faults.length > 8 ? `; and ${faults.length - 8} more` : ""}`,
      );
    }
    noGrad(() => {
      for (const [name, tensor] of Object.entries(own)) tensor.copy_(state[name]);
    });
  }

  /**
   * Moves every parameter and buffer to a device and, if a memory format is given, stores weights `[out, in, h, w]` in
   * that format. The tensors stay the same objects, so optimisers and other holders need no update. Gradients are
   * dropped.
   */
  to(device: string, { memoryFormat }: { memoryFormat?: MemoryFormat } = {}): this {
    noGrad(() =>
      scope(() => {
        for (const tensor of Object.values(this.stateDict())) {
          const layout = tensor.ndim === 4 ? memoryFormat : undefined;
          tensor.grad = null;
          tensor.setData(tensor.detach().toCopy({ device, memoryFormat: layout }));
        }
      }),
    );
    return this;
  }

  /** Switches this module and all below it to training mode, or to evaluation mode if `mode` is false. Returns itself. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  /** Switches this module and all below it to evaluation mode. Returns itself. */
  eval(): this {
    return this.train(false);
  }

  /** Switches whether the parameters are trained. */
  setRequiresGrad(on: boolean): this {
    for (const tensor of this.parameters()) tensor.requiresGrad = on;
    return this;
  }

  /** Drops the gradient of every parameter. */
  zeroGrad(): void {
    for (const tensor of this.parameters()) tensor.grad = null;
  }

  /** Frees every parameter and buffer. The module cannot be used afterwards. */
  dispose(): void {
    for (const [, module] of this.namedModules()) {
      for (const tensor of [...module.#parameters.values(), ...module.#buffers.values()]) tensor.dispose();
    }
  }

  /** Frees the module at the end of a block that declares it with `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
