import { type nn, ops, type Tensor } from "@salmask/torch";

/**
 * Runs a module on parts of a batch, as equal as they can be, with separate batch statistics. `[N, ...]` to `[N, ...]`. With few photos there
 * are fewer parts, because one photo alone has no statistics of a batch.
 */
export function inGroups(module: nn.Module, input: Tensor, groups: number): Tensor {
  const [rows] = input.shape;
  const parts = Math.min(groups, Math.floor(rows / 2));
  if (parts <= 1) return module.forward(input);
  const firstOf = (part: number) => Math.ceil((rows * part) / parts);
  return ops.cat(
    Array.from({ length: parts }, (_, i) =>
      module.forward(input.narrow(0, firstOf(i), firstOf(i + 1) - firstOf(i))),
    ),
  );
}
