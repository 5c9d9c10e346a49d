import { loadConfig, type ProbeResult, pretrain, probeRun } from "salmask";

/**
 * Trains an encoder on a folder of photos with one subfolder per class, and measures what it has learned. Options are settings
 * by their dotted keys, such as `{ "train.epochs": 20 }`; what is not given has the paper's value.
 */
export async function pretrainAndProbe(
  photos: string,
  out: string,
  options: Record<string, unknown> = {},
): Promise<ProbeResult> {
  await pretrain({
    photos,
    out,
    config: loadConfig(options),
    report(event) {
      if (event.kind === "log")
        console.log(`step ${event.entry.step} of ${event.steps}: loss ${event.entry.logs.loss}`);
      if (event.kind === "warning") console.error(event.message);
    },
  });
  // Learns from 80 % of each class and scores on the rest.
  return probeRun({ run: out, photos: [photos], protocol: "fast", seed: 0 });
}
