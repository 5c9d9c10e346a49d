/** The tensors in what a file of weights holds, by their names. */
import { damaged } from "./fault.js";
import { isOf, type TensorValue, type Value } from "./value.js";

const deepest = 16;
/** More than any network has; dictionaries that hold each other many times over end here. */
const mostEntries = 200_000;
/**
 * Characters of all names: a hundred times as many as those of a network with ten thousand tensors. A key that is held once in the file
 * is in the name of each tensor below it.
 */
const mostCharacters = 2 ** 24;

/**
 * The tensors of dictionaries within dictionaries, with their keys joined by dots: `state_dict.module.conv1.weight`. Values under keys
 * that are no texts, such as an optimizer's, and all that is no tensor are left out. Throws CheckpointError `damaged-pth`.
 */
export function namedTensors(value: Value): Map<string, TensorValue> {
  const found = new Map<string, TensorValue>();
  let entries = 0;
  let characters = 0;
  const visit = (inner: Value, name: string, depth: number): void => {
    if (isOf(inner, "tensor")) {
      characters += name.length;
      if (characters > mostCharacters) throw damaged(`names of more than ${mostCharacters} characters`);
      found.set(name, inner);
    }
    if (!isOf(inner, "dict")) return;
    if (depth === deepest) throw damaged(`dictionaries nested deeper than ${deepest}`);
    for (const [key, entry] of inner.entries) {
      if (++entries > mostEntries) throw damaged(`more than ${mostEntries} entries`);
      if (typeof key === "string") visit(entry, name === "" ? key : `${name}.${key}`, depth + 1);
    }
  };
  visit(value, "", 0);
  return found;
}
