import { noGrad } from "../autograd.js";
import type { StateDict } from "../nn/module.js";
import * as ops from "../ops.generated.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

/**
 * What all optimisers share: the parameters by name, the learning rate that a schedule may set between steps, and
 * a state of one tensor a parameter and slot (`momentum_buffer`, `exp_avg`), saved under `<parameter>.<slot>`.
 */
export abstract class Optimizer {
  /** The learning rate of the next step. */
  lr: number;
  /** Steps taken. */
  steps = 0;
  protected readonly names: string[] = [];
  protected readonly params: Tensor[] = [];
  private readonly slots = new Map<string, Tensor[]>();

  constructor(parameters: Iterable<[string, Tensor]>, lr: number) {
    this.lr = lr;
    for (const [name, tensor] of parameters) {
      this.names.push(name);
      this.params.push(tensor);
    }
  }

  /** One tensor of zeros a parameter, made when first asked for. */
  protected slot(name: string): Tensor[] {
    let tensors = this.slots.get(name);
    if (tensors === undefined) {
      // Laid out like the parameters: libtorch has one kernel for a list of tensors only where their strides agree.
      tensors = this.params.map((p) => keep(noGrad(() => ops.zerosLike(p.detach()))));
      this.slots.set(name, tensors);
    }
    return tensors;
  }

  /** Changes the parameters whose gradients are given; runs in a scope, recording nothing. */
  protected abstract update(params: Tensor[], grads: Tensor[], indices: number[]): void;

  /** One step from the gradients that `backward` left. Parameters without one stay as they are. */
  step(): void {
    this.steps++;
    scope(() =>
      noGrad(() => {
        const params: Tensor[] = [];
        const grads: Tensor[] = [];
        const indices: number[] = [];
        for (const [i, p] of this.params.entries()) {
          const grad = p.grad;
          if (grad === null) continue;
          params.push(p);
          grads.push(grad);
          indices.push(i);
        }
        if (params.length > 0) this.update(params, grads, indices);
      }),
    );
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const p of this.params) p.grad = null;
  }

  /** The state's live tensors and `steps`, all that {@link loadStateDict} needs to go on exactly. */
  stateDict(): { steps: number; tensors: StateDict } {
    const tensors: StateDict = {};
    for (const [slot, values] of this.slots) {
      for (const [i, value] of values.entries()) tensors[`${this.names[i]}.${slot}`] = value;
    }
    return { steps: this.steps, tensors };
  }

  /** Copies a state in. Throws where a tensor belongs to no parameter. */
  loadStateDict(state: { steps: number; tensors: StateDict }): void {
    this.steps = state.steps;
    noGrad(() => {
      for (const [full, value] of Object.entries(state.tensors)) {
        const dot = full.lastIndexOf(".");
        const i = this.names.indexOf(full.slice(0, dot));
        if (i < 0)
          throw new Error(`the optimiser's state has ${full}, but there is no parameter of that name`);
        this.slot(full.slice(dot + 1))[i].copy_(value);
      }
    });
  }

  /** Frees the state. */
  dispose(): void {
    for (const tensors of this.slots.values()) for (const tensor of tensors) tensor.dispose();
    this.slots.clear();
  }
}
