import { expect } from "vitest";
import type { Tensor } from "../../src/index.js";

/** The norm of the difference of two tensors divided by the norm of the second, both in float64. */
export function relativeError(found: Tensor, expected: Tensor): number {
  const exact = expected.to({ dtype: "float64" });
  const norm = (of: Tensor) => Math.sqrt(of.mul(of).sum().item());
  return norm(found.to({ dtype: "float64" }).sub(exact)) / norm(exact);
}

/** The largest {@link relativeError} of tensors with the same names. */
export function largestRelativeError(
  found: Record<string, Tensor>,
  expected: Record<string, Tensor>,
): number {
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  return Math.max(...Object.entries(found).map(([name, tensor]) => relativeError(tensor, expected[name])));
}

/** A copy of a tensor in another type, as a leaf that collects gradients. */
export function leaf(tensor: Tensor, dtype: "float32" | "float64"): Tensor {
  const copy = tensor.detach().toCopy({ dtype });
  copy.requiresGrad = true;
  return copy;
}

/** The existing gradients of some leaves, by name. */
export function gradientsOf(leaves: Record<string, Tensor | null>): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(leaves)) {
    const gradient = tensor?.grad ?? null;
    if (gradient !== null) found[`gradient of ${name}`] = gradient;
  }
  return found;
}
