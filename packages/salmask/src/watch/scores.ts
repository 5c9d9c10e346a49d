/** The scores that a run's files hold. */
import type { Score } from "../page/protocol.js";
import type { ProbeRecord, Summary } from "../runs/records.js";
import { probeRecordSchema, summarySchema } from "../runs/records.js";
import { textInside } from "./inside.js";
import { files } from "./run-files.js";

export interface RunRecords {
  readonly summary: Summary | null;
  readonly probes: readonly ProbeRecord[];
}

/** What a run's files say; what cannot be read is as if it were not there. */
export function recordsOf(folder: string): RunRecords {
  const read = (name: string) => jsonOf(textInside(folder, name));
  return {
    summary: summarySchema.safeParse(read(files.summary)).data ?? null,
    probes: probeRecordSchema.array().safeParse(read(files.probes)).data ?? [],
  };
}

/** null where a text is no JSON, or there is none. */
export function jsonOf(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

export function scoresOf({ summary, probes }: RunRecords): Score[] {
  return [...summaryScores(summary), ...probes.flatMap(probeScores)];
}

function summaryScores(summary: Summary | null): Score[] {
  switch (summary?.kind) {
    case "pretrain":
      return summary.classes === null
        ? []
        : both(summary.classes, `at the end, on ${summary.classes.scored} of its photos`);
    case "demo":
      return both(summary, `on ${summary.testPhotos} photos`);
    case "finetune":
      return [
        {
          name: "top-1",
          value: summary.scores.top1,
          untrained: null,
          how: `on ${summary.testPhotos} photos`,
        },
      ];
    default:
      return [];
  }
}

const probeScores = ({
  knn,
  linear,
  testPhotos,
  photos,
  protocol,
  labels,
  seed,
  lastEpochs,
}: ProbeRecord): Score[] =>
  both(
    { knn, linear },
    `probe, ${protocol}, ${labels} labels, seed ${seed}, ${lastEpochs === 1 ? "" : `mean of the last ${lastEpochs} epochs, `}on ${testPhotos} photos ${photos.length === 0 ? "" : `of ${photos.join(", ")}`}`,
  );

type Compared = Pick<ProbeRecord, "knn" | "linear">;

const both = ({ knn, linear }: Compared, how: string): Score[] =>
  Object.entries({ kNN: knn, linear }).map(([name, { top1, randomTop1 }]) => ({
    name,
    value: top1,
    untrained: randomTop1,
    how: how.trim(),
  }));
