import { KeyedRandom, tensor } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { MaskKey } from "../draw.js";
import { cellsOnly, type Fill } from "./fill.js";

/**
 * Masked cells show the same place of another photo of the batch (Vishniakov et al. 2022, "MixMask: Revisiting Masking
 * Strategy for Siamese ConvNets"). It is the only fill whose pixels depend on the batch.
 */
export function otherPhotoFill(): Fill {
  return {
    name: "other-photo",
    shapes: cellsOnly,
    partners,
    prepare: (crops) => crops,
    replacement: (prepared, { key }) =>
      prepared.indexSelect(0, tensor(partners(key), { device: prepared.device })), // [B, 3, H, W]
  };
}

/** Another photo for each, each exactly once: the next one on a circle in random order. `[B]`, places in the batch. */
function partners({ seed, epoch, ids, view }: MaskKey): Int32Array {
  const first = ids.length === 0 ? 0 : ids[0];
  const circle = new KeyedRandom(seed, purpose.partner, epoch, first, view).permutation(ids.length);
  const found = new Int32Array(ids.length);
  for (const [at, photo] of circle.entries()) found[photo] = circle[(at + 1) % circle.length];
  return found;
}
