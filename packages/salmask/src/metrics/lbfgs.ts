import { ops, scope, type Tensor } from "@salmask/torch";

export interface LbfgsOptions {
  /** Number of remembered pairs of steps and gradient changes. */
  history: number;
  maxIterations: number;
  /** Stops when the largest absolute element of the gradient is at most this. */
  tolerance: number;
}

const lbfgsDefaults: LbfgsOptions = { history: 10, maxIterations: 200, tolerance: 1e-5 };

function dot(a: Tensor, b: Tensor): number {
  return scope(() => a.mul(b).sum().item());
}

/** The two-loop recursion: the gradient times an estimate of the inverse Hessian. */
function direction(gradient: Tensor, pairs: { step: Tensor; change: Tensor }[]): Tensor {
  return scope(() => {
    const q = gradient.clone();
    const alphas: number[] = [];
    for (const { step, change } of [...pairs].reverse()) {
      const alpha = dot(step, q) / dot(step, change);
      alphas.push(alpha);
      q.sub_(change, { alpha });
    }
    const last = pairs.at(-1);
    if (last !== undefined) q.mul_(dot(last.step, last.change) / dot(last.change, last.change));
    for (const { step, change } of pairs) {
      const alpha = alphas.pop() ?? 0;
      q.add_(step, { alpha: alpha - dot(change, q) / dot(step, change) });
    }
    return q.neg();
  });
}

/**
 * Minimises a smooth convex function with L-BFGS and backtracking (Nocedal and Wright, "Numerical Optimization",
 * algorithm 7.5; Armijo's condition). libtorch's own L-BFGS is C++ and Python code, not an operator.
 *
 * @param start any shape; not changed
 * @returns the minimiser; the caller owns it
 */
export function lbfgs(
  start: Tensor,
  evaluate: (at: Tensor) => { value: number; gradient: Tensor },
  options: LbfgsOptions = lbfgsDefaults,
): Tensor {
  return scope(() => {
    let x = start.clone();
    let { value, gradient } = evaluate(x);
    const pairs: { step: Tensor; change: Tensor }[] = [];
    for (let i = 0; i < options.maxIterations; i++) {
      if (ops.abs(gradient).amax().item() <= options.tolerance) break;
      const way = direction(gradient, pairs);
      const slope = dot(way, gradient);
      let size = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
      let next = evaluate(x.add(way, { alpha: size }));
      while (next.value > value + 1e-4 * size * slope && size > 1e-10) {
        size /= 2;
        next = evaluate(x.add(way, { alpha: size }));
      }
      if (!(next.value < value)) break;
      const step = way.mul(size);
      const change = next.gradient.sub(gradient);
      if (dot(step, change) > 0) pairs.push({ step, change });
      if (pairs.length > options.history) pairs.shift();
      x = x.add(step);
      value = next.value;
      gradient = next.gradient;
    }
    return x;
  });
}
