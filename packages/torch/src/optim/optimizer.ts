import { noGrad } from "../autograd.js";
import type { StateDict } from "../nn/module.js";
import * as ops from "../ops.generated.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

/** Parameters by name, as `namedParameters` of a module returns them. */
export type NamedParameters = Iterable<[string, Tensor]>;

/** What a schedule can set between steps, separately for each group of parameters. */
export interface GroupSettings {
  /** The learning rate, 0 or more. */
  lr: number;
  /** The factor by which the previous direction is multiplied, 0 or more. For AdamW it is the first of the betas. */
  momentum: number;
  /** The weight decay factor, 0 or more. */
  weightDecay: number;
}

/** Parameters with their own settings. For omitted settings the optimiser's defaults apply. */
export interface GroupOptions extends Partial<GroupSettings> {
  params: NamedParameters;
}

/** A parameter group as in PyTorch: a changed setting applies from the next step. */
export interface ParamGroup extends GroupSettings {
  readonly params: readonly Tensor[];
}

/** The parameters of one group that have a gradient. */
export interface Learned {
  params: Tensor[];
  grads: Tensor[];
  /** The state tensors of these parameters in a slot; zeros before the first step. */
  slot(name: string): Tensor[];
}

/**
 * What all optimisers share: named parameters, in groups with their own settings, and one state tensor per parameter
 * and slot (`momentum_buffer`, `exp_avg`), saved under the name `<parameter>.<slot>`.
 */
export abstract class Optimizer {
  /** In the order in which they were given; one group for a plain list of parameters. */
  readonly paramGroups: readonly ParamGroup[];
  /** Steps taken. */
  steps = 0;
  /** The names of the state tensors. */
  protected abstract readonly slotNames: readonly string[];
  private readonly names = new Map<string, Tensor>();
  private readonly slots = new Map<string, Map<Tensor, Tensor>>();

  /**
   * Takes named parameters, or groups of them. Throws a `RangeError` if a setting is not a number of at least 0, or if
   * a parameter is given twice.
   */
  constructor(parameters: NamedParameters | Iterable<GroupOptions>, defaults: GroupSettings) {
    const plain: [string, Tensor][] = [];
    const groups: GroupOptions[] = [];
    for (const item of parameters) {
      if (Array.isArray(item)) plain.push(item);
      else groups.push(item);
    }
    if (plain.length > 0 || groups.length === 0) groups.unshift({ params: plain });
    this.paramGroups = groups.map((group) => this.makeGroup(group, defaults));
  }

  private makeGroup(group: GroupOptions, defaults: GroupSettings): ParamGroup {
    const {
      params,
      lr = defaults.lr,
      momentum = defaults.momentum,
      weightDecay = defaults.weightDecay,
    } = group;
    for (const [name, value] of Object.entries({ lr, momentum, weightDecay })) {
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
        throw new RangeError(
          `Expected ${name} of a group of parameters to be a number from 0, got ${value}.`,
        );
    }
    const tensors: Tensor[] = [];
    const given = new Set(this.names.values());
    for (const [name, tensor] of params) {
      if (this.names.has(name) || given.has(tensor))
        throw new RangeError(`Expected each parameter once, got ${name} twice.`);
      this.names.set(name, tensor);
      given.add(tensor);
      tensors.push(tensor);
    }
    return { params: tensors, lr, momentum, weightDecay };
  }

  /** The learning rate of the first group for the next step. Setting it sets the rate of all groups. */
  get lr(): number {
    return this.paramGroups[0].lr;
  }

  set lr(lr: number) {
    for (const group of this.paramGroups) group.lr = lr;
  }

  private slotOf(name: string, parameter: Tensor): Tensor {
    let tensors = this.slots.get(name);
    if (tensors === undefined) {
      tensors = new Map();
      this.slots.set(name, tensors);
    }
    let state = tensors.get(parameter);
    if (state === undefined) {
      // Same layout as the parameter: libtorch uses one kernel for a list of tensors only if their strides are equal.
      state = keep(noGrad(() => ops.zerosLike(parameter.detach())));
      tensors.set(parameter, state);
    }
    return state;
  }

  /** Changes those parameters of a group that have gradients. Runs in a scope, without recording. */
  protected abstract update(learned: Learned, settings: GroupSettings): void;

  /** One step with the gradients from `backward`. Parameters without a gradient do not change. */
  step(): void {
    this.steps++;
    for (const group of this.paramGroups) scope(() => noGrad(() => this.stepGroup(group)));
  }

  private stepGroup(group: ParamGroup): void {
    const params: Tensor[] = [];
    const grads: Tensor[] = [];
    for (const parameter of group.params) {
      const grad = parameter.grad;
      if (grad === null) continue;
      params.push(parameter);
      grads.push(grad);
    }
    if (params.length === 0) return;
    const slot = (name: string) => params.map((parameter) => this.slotOf(name, parameter));
    this.update({ params, grads, slot }, group);
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const parameter of this.names.values()) parameter.grad = null;
  }

  /** The live state tensors and `steps`: everything that {@link loadStateDict} needs to continue exactly. */
  stateDict(): { steps: number; tensors: StateDict } {
    const tensors: StateDict = {};
    for (const [slot, states] of this.slots) {
      for (const [name, parameter] of this.names) {
        const state = states.get(parameter);
        if (state !== undefined) tensors[`${name}.${slot}`] = state;
      }
    }
    return { steps: this.steps, tensors };
  }

  /**
   * Copies a state into this optimiser. Throws, and changes nothing, if a tensor belongs to no parameter, is none of this kind of
   * optimiser, or has another shape than its parameter. Group settings are not part of the state.
   */
  loadStateDict(state: { steps: number; tensors: StateDict }): void {
    const given = Object.entries(state.tensors).map(([full, value]) => {
      const dot = full.lastIndexOf(".");
      const [parameter, slot] = [this.names.get(full.slice(0, dot)), full.slice(dot + 1)];
      if (parameter === undefined)
        throw new Error(`Expected a state of this optimiser's parameters, got ${full}, which is of none.`);
      if (!this.slotNames.includes(slot))
        throw new Error(
          `Expected ${this.slotNames.join(" or ")} in a state of this optimiser, got ${full}, which another kind has.`,
        );
      if (value.shape.join() !== parameter.shape.join())
        throw new Error(`Expected a state ${full} of shape [${parameter.shape}], got [${value.shape}].`);
      return { parameter, slot, value };
    });
    this.steps = state.steps;
    noGrad(() => {
      for (const { parameter, slot, value } of given) this.slotOf(slot, parameter).copy_(value);
    });
  }

  /** Frees the state. */
  dispose(): void {
    for (const states of this.slots.values()) for (const state of states.values()) state.dispose();
    this.slots.clear();
  }
}
