/** The problems that a run can have, each with the numbers that show it and what to try. */
import type { LogEntry } from "../base/events.js";
import { percent } from "../base/format.js";
import type { RunConfig } from "../config/schema.js";
import type { ProbeRecord, Summary } from "../runs/records.js";

export interface Finding {
  code: string;
  /** What is wrong, with the numbers that show it. */
  what: string;
  /** What to try. */
  mend: string;
}

/** The values of a named number in some log entries; entries without it are left out. */
export function valuesOf(entries: readonly LogEntry[], name: string): number[] {
  return entries.map(({ logs }) => logs[name]).filter((value) => value !== undefined);
}

/** The mean of a named number over some log entries; null if no entry has it. */
export function meanOf(entries: readonly LogEntry[], name: string): number | null {
  const values = valuesOf(entries, name);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How much the embeddings of one photo vary over its views, per branch, 0 to 1. */
export interface BranchVariance {
  query: number;
  key: number;
}

/** The last measurement of the variance over views, at any position in the log. */
export function lastVariance(entries: readonly LogEntry[]): BranchVariance | null {
  const [query, key] = ["queryVariance", "keyVariance"].map((name) => valuesOf(entries, name).at(-1));
  return query === undefined || key === undefined ? null : { query, key };
}

export interface Log {
  readonly config: RunConfig;
  readonly entries: readonly LogEntry[];
  /** The last tenth of the log. */
  readonly end: readonly LogEntry[];
  /** null if the run has not ended. */
  readonly summary: Summary | null;
  readonly probes: readonly ProbeRecord[];
}

/** In all our measurements, no encoder with fewer steps was better than an untrained one. */
const leastSteps = 200;

/** Each check looks for one problem. To add a check, add a function here. */
const checks: readonly ((log: Log) => Finding | null)[] = [
  belowUntrained,
  tooShort,
  collapsed,
  targetsCollapsed,
  nothingLearned,
  risingLoss,
  guidanceLost,
  objectNotFound,
  objectMissed,
  keysVaryMore,
];

/** The problems of a run, from its log. */
export function findings(log: Log): Finding[] {
  return checks.flatMap((check) => check(log) ?? []);
}

/** Compares the encoder's scores with those of an untrained one, at the end of the run and at each probe. */
function belowUntrained({ config, summary, probes }: Log): Finding | null {
  const own = summary?.kind === "pretrain" && summary.classes !== null ? [summary.classes] : [];
  const behind = [...own, ...probes].flatMap(({ knn, linear }) =>
    Object.entries({ kNN: knn, linear }).flatMap(([name, { top1, randomTop1 }]) =>
      top1 < randomTop1 ? [`${name} ${percent(top1, 1)} beside ${percent(randomTop1, 1)}`] : [],
    ),
  );
  if (behind.length === 0) return null;
  const { fill } = config.mask;
  return {
    code: "below-untrained",
    what: `The encoder is below an untrained one of its shape: ${[...new Set(behind)].join("; ")}.`,
    mend:
      "Train for more steps (a larger --train.epochs, a smaller --train.batchSize). " +
      (config.method.name === "mocov2"
        ? "Give --method.momentum 0.99 and a --method.queue of a quarter of the photos. "
        : "") +
      (fill === "high-pass" ? "High-pass filling takes colours away: give --mask.fill mean. " : "") +
      "Or let Salmask choose: salmask pretrain PHOTOS without settings.",
  };
}

function tooShort({ entries }: Log): Finding | null {
  const steps = entries[entries.length - 1]?.step ?? 0;
  if (steps >= leastSteps) return null;
  return {
    code: "too-short",
    what: `The run has ${steps} steps; an encoder of its kind needs some hundreds at least to learn anything.`,
    mend: "Give more --train.epochs, or a smaller --train.batchSize.",
  };
}

/** If all embeddings are the same, their uniformity is 0 and their rank is 1. */
function collapsed({ end }: Log): Finding | null {
  const rank = meanOf(end, "rank");
  const uniformity = meanOf(end, "uniformity");
  if (rank === null || uniformity === null || (rank > 1.5 && uniformity < -0.05)) return null;
  return {
    code: "collapsed",
    what: `All photos have nearly the same embedding: rank ${rank.toFixed(1)}, uniformity ${uniformity.toFixed(2)}.`,
    mend: "Start again with a smaller --train.lr; for mocov2 also with a larger --method.momentum.",
  };
}

/** Targets of prototypes teach nothing if all photos have the same one, or all prototypes the same share. */
function targetsCollapsed({ config, end }: Log): Finding | null {
  const entropy = meanOf(end, "codeEntropy");
  const used = meanOf(end, "prototypesUsed");
  if (entropy === null || used === null || (entropy < 0.98 && used > 1.5)) return null;
  const sharper =
    config.method.name === "dino"
      ? "a lower --method.teacherTemperature where the entropy is high, a lower --method.centreMomentum where one prototype is used"
      : "a lower --method.epsilon";
  return {
    code: "targets-collapsed",
    what:
      `Targets hardly tell photos apart: their entropy is ${percent(entropy)} of the largest, and a batch uses ` +
      `${used.toFixed(1)} prototypes.`,
    mend: `Start again with a smaller --train.lr, or ${sharper}.`,
  };
}

function nothingLearned({ config, entries, end }: Log): Finding | null {
  if (entries.length < 10 || config.method.name !== "mocov2") return null;
  const chance = 1 / (1 + config.method.queue);
  const accuracy = meanOf(end, "contrastAccuracy");
  if (accuracy === null || accuracy > 5 * chance + 0.005) return null;
  return {
    code: "nothing-learned",
    what: `A query finds its key in ${(100 * accuracy).toFixed(1)} % of all cases, by chance it would in ${(100 * chance).toFixed(1)} %.`,
    mend: "Look at the views (salmask views): may crops of one photo have nothing in common? Raise --augment.scale, jitter less, or train longer.",
  };
}

/** If the query can recognise old keys by their age, the loss is low early and rises as the encoder changes more slowly. */
function risingLoss({ entries, end, config }: Log): Finding | null {
  const quarter = Math.floor(entries.length / 4);
  if (quarter < 3) return null;
  const early = entries.slice(quarter, 2 * quarter);
  const isMasked = ({ logs }: LogEntry) => logs.foregroundShare !== undefined;
  const isSameTask = isMasked(early[0]) === isMasked(end[0]);
  const [before, after] = [meanOf(early, "loss"), meanOf(end, "loss")];
  if (!isSameTask || before === null || after === null || after - before < 0.3) return null;
  return {
    code: "rising-loss",
    what: `The loss rose by ${(after - before).toFixed(2)} from the second quarter of the run to its end.`,
    mend:
      config.method.name === "mocov2"
        ? "Past keys may be told by their age alone. Raise --method.momentum, or lower --train.lr."
        : "Lower --train.lr.",
  };
}

function guidanceLost({ end }: Log): Finding | null {
  const all = meanOf(end, "allForegroundShare");
  if (all === null || all < 0.5) return null;
  return {
    code: "guidance-lost",
    what: `${percent(all)} of the crops are foreground all over, so that masks fall at random.`,
    mend: "Objects may be small and sharp: try --saliency.threshold.rule otsu or mean, or another --saliency.source.",
  };
}

function objectNotFound({ end }: Log): Finding | null {
  const share = meanOf(end, "foregroundShare");
  if (share === null || share > 0.1) return null;
  return {
    code: "object-not-found",
    what: `Only ${percent(share)} of a crop is foreground, so that hard negatives lose next to nothing.`,
    mend: "Lower the bar: --saliency.threshold.deviations 1, or --saliency.threshold.rule top-share.",
  };
}

/** A random foreground, of any size, is on average no better than the whole crop. */
function objectMissed({ end }: Log): Finding | null {
  const iou = meanOf(end, "iou");
  const whole = meanOf(end, "wholeCropIou");
  if (iou === null || whole === null || iou > whole) return null;
  return {
    code: "object-missed",
    what:
      `Saliency does not find the objects: its foreground meets their true masks at an IoU of ${iou.toFixed(2)}, ` +
      `the whole crop does at ${whole.toFixed(2)}.`,
    mend: "Score others with salmask saliency eval, and take the best as --saliency.source, or another --saliency.threshold.rule.",
  };
}

/** With sixteen photos, differences up to a tenth, and up to 0.001 near zero variance, are noise. */
function keysVaryMore({ config, entries }: Log): Finding | null {
  const variance = lastVariance(entries);
  if (variance === null || variance.key <= 1.1 * variance.query + 0.001) return null;
  const { fill, branch } = config.mask;
  const masksQueryAlone = fill !== "none" && branch === "query";
  return {
    code: "keys-vary-more",
    what:
      `One photo's embeddings vary more over its keys (${variance.key.toFixed(3)}) than over its queries ` +
      `(${variance.query.toFixed(3)}); keys are targets, and should be the steadier.`,
    mend:
      (masksQueryAlone
        ? "Mask more of the query: a larger --mask.ratio."
        : "Mask the query and leave the key whole: --mask.branch query, with a --mask.fill other than none.") +
      (config.method.name === "mocov2"
        ? " Early in a run it may be the key encoder's lag alone: look again when the loss has settled."
        : ""),
  };
}
