/** Which settings can be learned from in micro-batches. */
import type { MaskSettings } from "../masking/settings.js";
import type { SaliencySettings } from "../saliency/settings.js";
import type { OcclusionSettings } from "../ssl/occlusion/settings.js";
import { type MethodSettings, whyWholeBatches } from "../ssl/settings.js";
import type { TrainSettings } from "../training/settings.js";

interface Accumulated {
  readonly method: MethodSettings;
  readonly occlusion: OcclusionSettings;
  readonly mask: MaskSettings;
  readonly saliency: SaliencySettings;
  readonly train: TrainSettings;
}

/** What `train.accumulate` has to be where what is learned would not be that of the whole batch; null where it can stay as it is. */
export function refusedAccumulation({
  method,
  occlusion,
  mask,
  saliency,
  train,
}: Accumulated): string | null {
  const { accumulate, batchSize } = train;
  if (accumulate === 1) return null;
  const whole = whyWholeBatches(method.name);
  if (whole !== null)
    return `1 beside method.name ${method.name}, ${whole} (to learn from as many in less memory, spread the batch over several GPUs with --processes, or choose mocov2, byol, simsiam or dino)`;
  if (occlusion.name !== "none")
    return `1 beside occlusion.name ${occlusion.name}, whose model learns from the whole batch after the encoder's step (set a smaller train.batchSize instead)`;
  const { count, of } = mask.negative;
  if (saliency.shuffled && saliency.scope === "crop")
    return "1 beside saliency.shuffled of crops, which takes the object of another photo of the batch (set saliency.scope photo)";
  if (mask.fill === "other-photo")
    return "1 beside mask.fill other-photo, which takes pixels from all photos of the batch (choose another fill)";
  if (count > 0 && of === "shared")
    return "1 beside mask.negative.of shared, where all photos of the batch have one negative (set it to own)";
  if (count > 0 && (method.name === "byol" || method.name === "simsiam"))
    return `1 beside hard negatives of method.name ${method.name}, of which a mean is taken over those of the batch that count (set mask.negative.count 0)`;
  if (batchSize % accumulate !== 0 || batchSize < 2 * accumulate)
    return `a number that divides train.batchSize, ${batchSize}, into parts of two photos or more`;
  return null;
}
