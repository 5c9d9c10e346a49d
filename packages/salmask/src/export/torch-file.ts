/**
 * PyTorch's files of tensors, as `torch.save` writes them: a zip archive whose `data.pkl` is a pickled dict, and one entry with the
 * numbers of each tensor. The pickle calls nothing but what `torch.load(weights_only=True)` allows.
 */
import type { nn } from "@salmask/torch";
import { strToU8, type Zippable, zipSync } from "fflate";
import { pickledStateDict } from "./state-dict-pickle.js";

const folder = "archive";
/** Of the layout, as PyTorch names it. */
const layoutVersion = "3\n";

/** The file of a state dict. Equal tensors give equal bytes. */
export function torchFile(state: nn.StateDict): Uint8Array {
  const tensors = Object.entries(state);
  const entries: Zippable = {
    [`${folder}/data.pkl`]: pickledStateDict(
      tensors.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    ),
  };
  for (const [i, [, tensor]] of tensors.entries()) {
    const { buffer, byteOffset, byteLength } = tensor.toTypedArray();
    entries[`${folder}/data/${i}`] = new Uint8Array(buffer, byteOffset, byteLength);
  }
  entries[`${folder}/version`] = strToU8(layoutVersion);
  // PyTorch reads entries that are stored as they are alone.
  return zipSync(entries, { level: 0, mtime: new Date(1980, 0, 1) });
}
