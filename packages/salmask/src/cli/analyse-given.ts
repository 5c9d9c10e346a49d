/** What an `analyse` command was given. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { GivenEncoder } from "../analysis/encoders.js";
import type { PhotosFrom } from "../analysis/photos.js";
import type { Report } from "../base/events.js";
import { weightsOf } from "../runs/run-weights.js";
import { namedPath } from "../transfer/plan.js";

/** The encoders of `RUN` and `NAME=RUN`. */
export function encodersOf(runs: readonly string[]): GivenEncoder[] {
  return runs.map((text) => {
    const { name, path } = namedPath(text);
    return { name: name ?? basename(path).replace(/\.safetensors$/, ""), run: path };
  });
}

/** The photos that the first of the runs which has been probed was last probed on; null where they are nowhere any more. */
export function photosKnownTo(encoders: readonly GivenEncoder[], report: Report): PhotosFrom | null {
  for (const { name, run } of encoders) {
    const probes = weightsOf(run).folder?.readProbes() ?? [];
    const last = probes.findLast(({ photos }) => photos.length === 1 && existsSync(photos[0]));
    if (last === undefined) continue;
    const [path] = last.photos;
    report({ kind: "note", message: `on the photos that ${name} was last probed on; --photos names others` });
    return { kind: "folder", path, masks: null };
  }
  return null;
}
