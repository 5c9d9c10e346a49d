import { countKills } from "./kill.js";
import type { PartOptions, PartResult } from "./part.js";

const wholeRuns = 20;
const killsPerRun = 5;

/** 100 kills over 20 runs of 90 steps. */
export async function run({ seed, share }: PartOptions): Promise<PartResult[]> {
  const { runs, kills, whileSaving, checkpoints, fallen } = await countKills({
    seed,
    runs: Math.max(1, Math.round(share * wholeRuns)),
    kills: killsPerRun,
    epochs: 30,
    onFallen: (what) => console.log(`FELL THROUGH: ${what}`),
  });
  console.log(
    `kills: ${kills} over ${runs} runs, ${whileSaving} of them while a checkpoint was written; ` +
      `${checkpoints} checkpoints were read after kills; ${fallen.length} fell through`,
  );
  return [{ counted: `${kills} kills`, fallen: fallen.length }];
}
