/** State dicts within state dicts: `query.conv1.weight` is `conv1.weight` of the part `query`. */
import type { nn } from "@salmask/torch";

/** The tensors of a part, with their names in that part. */
export function partOf(state: nn.StateDict, part: string): nn.StateDict {
  const prefix = `${part}.`;
  return Object.fromEntries(
    Object.entries(state)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/** Joins parts into one state dict; `partOf` separates them again. */
export function joinParts(parts: Readonly<Record<string, nn.StateDict>>): nn.StateDict {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([part, state]) =>
      Object.entries(state).map(([name, value]) => [`${part}.${name}`, value]),
    ),
  );
}

/** The tensors with these names. */
export function pick(state: nn.StateDict, names: readonly string[]): nn.StateDict {
  return Object.fromEntries(names.map((name) => [name, state[name]]));
}
