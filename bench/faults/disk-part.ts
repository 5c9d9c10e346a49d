import { countFullDisks, countLimits } from "./full-disk.js";
import type { PartOptions, PartResult } from "./part.js";

const wholeDisks = 20;

/** Disks that fill, disks that can only be read, and limits on files. */
export async function run({ seed, share }: PartOptions): Promise<PartResult[]> {
  const onFallen = (what: string) => console.log(`FELL THROUGH: ${what}`);
  const disks = Math.max(2, Math.round(share * wholeDisks));
  const full = await countFullDisks({ seed, disks, epochs: 6, onFallen });
  const limits = await countLimits(onFallen);
  if (full === null || limits === null) {
    console.log("disks: not counted, because only root may mount one");
    return [];
  }
  console.log(
    `disks: ${full.filled} filled during a run, ${full.withCheckpoint} of them after its first checkpoint; ` +
      `${limits.tried} runs with files that cannot be written or opened; ${full.fallen.length + limits.fallen} fell through`,
  );
  return [
    { counted: `${full.filled} full disks`, fallen: full.fallen.length },
    { counted: `${limits.tried} limits on files`, fallen: limits.fallen },
  ];
}
