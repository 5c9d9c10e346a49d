/** What a batch's sources are shown as in a step: once as the recipe masks them, or several times. */
import { type Tensor, tensor } from "@salmask/torch";
import { oneRank, type Ranks } from "../ranks/ranks.js";
import { meanMaskedShare, type View } from "../views/view.js";

/** One comparison of a batch with its targets. */
export interface Version {
  /** float32 `[B, 3, H, W]` per source view. Made when it is asked for: a step frees what an earlier comparison made. */
  readonly sources: () => readonly Tensor[];
  /** The factor on its loss. */
  readonly weight: number;
}

/** The sources as they are masked, once. */
export function plainVersion(sources: readonly View[]): Version[] {
  return [{ sources: () => sources.map(({ masked }) => masked), weight: 1 }];
}

/**
 * MixMask's loss (Vishniakov et al. 2022) for views whose masked cells show another photo of the batch: the whole view
 * is compared with its own target; the mixed view with its own target and with the other photo's, weighted by the shares
 * of the crop that show them. The shares are means over the batch of all ranks, which is exact if all views lose as many cells. Any
 * method can be trained by it, because to compare a mixed view with another's target is to give it that one's row. Views
 * that show no other photo, such as small crops, are the same in each comparison.
 */
export function mixedVersions(sources: readonly View[], ranks: Ranks = oneRank): Version[] {
  if (sources.every(({ partners }) => partners === undefined)) return plainVersion(sources);
  const shares = ranks.exchange(meanMaskedShare(sources));
  const other = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return [
    { sources: () => sources.map(({ clean }) => clean), weight: 1 },
    { sources: () => sources.map(({ masked }) => masked), weight: 1 - other },
    { sources: () => sources.map(atPartners), weight: other },
  ].filter(({ weight }) => weight > 0);
}

/** float32 `[B, 3, H, W]`: in each photo's row the view whose masked cells show it. */
function atPartners({ masked, partners }: View): Tensor {
  if (partners === undefined) return masked;
  const rows = new Int32Array(partners.length);
  for (const [photo, partner] of partners.entries()) rows[partner] = photo;
  return masked.indexSelect(0, tensor(rows, { device: masked.device })); // [B, 3, H, W]
}
