/** What can be wrong with a run, each with the numbers that say so and what to try. */
import type { RunConfig } from "../config/schema.js";
import type { Metrics } from "../runs/metrics-log.js";
import type { BranchVariance } from "../tasks/pretrain/branch-variance.js";

export interface Finding {
  code: string;
  /** What is wrong, with the numbers that say so. */
  what: string;
  /** What to try. */
  mend: string;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
export const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const present = (values: readonly (number | null | undefined)[]) =>
  values.filter((value): value is number => typeof value === "number");
export const meanOf = (values: readonly (number | null | undefined)[]) => {
  const known = present(values);
  return known.length === 0 ? null : mean(known);
};

/** The last look at how views vary, wherever in the log it is. */
export function lastVariance(metrics: readonly Metrics[]): BranchVariance | null {
  return metrics.findLast(({ branchVariance }) => branchVariance !== null)?.branchVariance ?? null;
}

export interface Log {
  config: RunConfig;
  metrics: readonly Metrics[];
  /** The last tenth. */
  end: readonly Metrics[];
}

/** Each looks for one thing. A new one is a function here. */
const checks: readonly ((log: Log) => Finding | null)[] = [
  collapsed,
  nothingLearned,
  risingLoss,
  guidanceLost,
  objectNotFound,
  objectMissed,
  keysVaryMore,
];

/** What is wrong with a run, by its log. */
export function findings(log: Log): Finding[] {
  return checks.flatMap((check) => check(log) ?? []);
}

/** The uniformity of embeddings that are all the same is 0, and they use one direction. */
function collapsed({ end }: Log): Finding | null {
  const rank = meanOf(end.map(({ embedding }) => embedding?.rank));
  const uniformity = meanOf(end.map(({ embedding }) => embedding?.uniformity));
  if (rank === null || uniformity === null || (rank > 1.5 && uniformity < -0.05)) return null;
  return {
    code: "collapsed",
    what: `All photos have nearly the same embedding: rank ${rank.toFixed(1)}, uniformity ${uniformity.toFixed(2)}.`,
    mend: "Start again with a smaller --train.lr; for mocov2 also with a larger --method.momentum.",
  };
}

function nothingLearned({ config, metrics, end }: Log): Finding | null {
  if (metrics.length < 10 || config.method.name !== "mocov2") return null;
  const chance = 1 / (1 + config.method.queue);
  const accuracy = mean(end.map(({ contrastAccuracy }) => contrastAccuracy));
  if (accuracy > 5 * chance + 0.005) return null;
  return {
    code: "nothing-learned",
    what: `A query finds its key in ${(100 * accuracy).toFixed(1)} % of all cases, by chance it would in ${(100 * chance).toFixed(1)} %.`,
    mend: "Look at the views (salmask views): may crops of one photo have nothing in common? Raise --augment.scale, jitter less, or train longer.",
  };
}

/** Keys that the queue's age gives away make the loss low early and let it rise as the encoder slows down. */
function risingLoss({ metrics, end, config }: Log): Finding | null {
  const quarter = Math.floor(metrics.length / 4);
  if (quarter < 3) return null;
  const early = metrics.slice(quarter, 2 * quarter);
  const isSameTask = (early[0].foregroundShare === null) === (end[0].foregroundShare === null);
  const rise = mean(end.map(({ loss }) => loss)) - mean(early.map(({ loss }) => loss));
  if (!isSameTask || rise < 0.3) return null;
  return {
    code: "rising-loss",
    what: `The loss rose by ${rise.toFixed(2)} from the second quarter of the run to its end.`,
    mend:
      config.method.name === "mocov2"
        ? "Past keys may be told by their age alone. Raise --method.momentum, or lower --train.lr."
        : "Lower --train.lr.",
  };
}

function guidanceLost({ end }: Log): Finding | null {
  const all = meanOf(end.map(({ allForegroundShare }) => allForegroundShare));
  if (all === null || all < 0.5) return null;
  return {
    code: "guidance-lost",
    what: `${percent(all)} of the crops are foreground all over, so that masks fall at random.`,
    mend: "Objects may be small and sharp: try --saliency.threshold.rule otsu or mean, or another --saliency.source.",
  };
}

function objectNotFound({ end }: Log): Finding | null {
  const share = meanOf(end.map(({ foregroundShare }) => foregroundShare));
  if (share === null || share > 0.1) return null;
  return {
    code: "object-not-found",
    what: `Only ${percent(share)} of a crop is foreground, so that hard negatives lose next to nothing.`,
    mend: "Lower the bar: --saliency.threshold.deviations 1, or --saliency.threshold.rule top-share.",
  };
}

/** A foreground of cells taken at random, however many, is on average no better than the whole crop. */
function objectMissed({ end }: Log): Finding | null {
  const iou = meanOf(end.map(({ agreement }) => agreement?.iou));
  const whole = meanOf(end.map(({ agreement }) => agreement?.wholeCropIou));
  if (iou === null || whole === null || iou > whole) return null;
  return {
    code: "object-missed",
    what:
      `Saliency does not find the objects: its foreground meets their true masks at an IoU of ${iou.toFixed(2)}, ` +
      `the whole crop does at ${whole.toFixed(2)}.`,
    mend: "Score others with salmask saliency eval, and take the best as --saliency.source, or another --saliency.threshold.rule.",
  };
}

/** A tenth, and 0.001 where nothing varies, are within what sixteen photos tell. */
function keysVaryMore({ config, metrics }: Log): Finding | null {
  const variance = lastVariance(metrics);
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
