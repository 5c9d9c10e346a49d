import type { nn } from "@salmask/torch";

/** Names of weights to the shapes that they should have. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/**
 * Throws where a state dict lacks one of these weights, or holds it in another shape. Called before a network is built of a size that a
 * file names: the weights that the file has are as large as the file, the sizes in its metadata can be any.
 */
export function refuseOtherShapes(state: nn.StateDict, expected: Shapes): void {
  for (const [name, shape] of Object.entries(expected)) {
    const got = Object.hasOwn(state, name) ? `[${state[name].shape.join(", ")}]` : "none";
    const wanted = `[${shape.join(", ")}]`;
    if (got !== wanted) throw new Error(`Expected weights ${name} of shape ${wanted}, got ${got}`);
  }
}
