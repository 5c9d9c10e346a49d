/** What is measured on each set at once, and the columns of the table that it gives. */
import { slugOf } from "../base/slug.js";
import type { LinearProtocol } from "../tasks/probe/probe.js";
import type { PlanSet } from "./plan.js";
import type { ClassSet, TransferSet } from "./sets.js";

/** kNN and a linear classifier, on frozen features. */
export interface ProbeWork {
  readonly kind: "probe";
  readonly labels: string;
  readonly protocol: LinearProtocol;
}
export interface FinetuneWork {
  readonly kind: "finetune";
  readonly labels: string;
}
export interface DetectWork {
  readonly kind: "detect";
}
/** What one cell measures of an encoder on a set. */
export type Work = ProbeWork | FinetuneWork | DetectWork;

/** Names of the scores that a cell keeps, 0 to 1 each. */
export const scoreNames = [
  ...["knn", "top1", "top5", "meanPerClass"],
  ...["ap", "ap50", "ap75", "maskAp", "maskAp50", "maskAp75", "voc07Ap", "voc07Ap50", "voc07Ap75", "vocAp50"],
] as const;
export type ScoreName = (typeof scoreNames)[number];
export type Scores = Partial<Readonly<Record<ScoreName, number | null>>>;

/** A column of the table. */
export interface Column {
  /** The set's name. */
  readonly set: string;
  /** What is measured, such as `linear 10%` or `AP50`. */
  readonly title: string;
  /** The cells that it shows: {@link placeOf} of the set and the work. */
  readonly place: string;
  readonly score: ScoreName;
  readonly kind: TransferSet["kind"];
  /** Numbers from elsewhere, in percent, by row. */
  readonly reference: Readonly<Record<string, number>>;
}

/** What is measured where photos have classes, cell by cell, in the order of the label budgets. */
export function classWorks({
  measures,
  plan,
}: Pick<ClassSet, "measures" | "plan">): (ProbeWork | FinetuneWork)[] {
  const isProbed = measures.includes("knn") || measures.includes("linear");
  // The protocol is that of the linear classifier, and makes no difference to kNN.
  const protocol = measures.includes("linear") ? plan.protocol : "fast";
  return plan.labels.flatMap((labels) => [
    ...(isProbed ? [{ kind: "probe", labels, protocol } as const] : []),
    ...(measures.includes("finetune") ? [{ kind: "finetune", labels } as const] : []),
  ]);
}

/** The folder of a work's cells below the table's: `cifar-10/finetune-10-percent`. */
export function placeOf({ slug }: Pick<PlanSet, "slug">, work: Work): string {
  if (work.kind === "detect") return `${slug}/detect`;
  const { kind, labels } = work;
  const budget = labels.endsWith("%") ? `-${slugOf(labels)}-percent` : `-${labels}-per-class`;
  const paper = kind === "probe" && work.protocol === "paper" ? "-paper" : "";
  return `${slug}/${kind}${paper}${labels === "all" ? "" : budget}`;
}

/** What a work is called in lines for people. */
export function titleOf(work: Work): string {
  return work.kind === "detect" ? "detect" : `${work.kind}${labelled(work.labels)}`;
}

/** The columns of the sets, in their order. */
export function columnsOf(sets: readonly TransferSet[]): Column[] {
  return sets.flatMap((set) => {
    const works: readonly Work[] = set.kind === "classes" ? classWorks(set) : [{ kind: "detect" }];
    return works.flatMap((work) =>
      shownOf(set, work).map(
        ([title, score]): Column => ({
          set: set.plan.name,
          title,
          place: placeOf(set.plan, work),
          score,
          kind: set.kind,
          reference: set.plan.reference[title] ?? {},
        }),
      ),
    );
  });
}

/** Every title that a column of the set could have with these label budgets. */
export function possibleTitles({ kind, plan }: TransferSet): string[] {
  if (kind === "objects") return [...boxColumns, ...maskColumns, ...vocColumns].map(([title]) => title);
  return plan.labels.flatMap((labels) => classColumns(plan, labels).map(([title]) => title));
}

type Shown = readonly (readonly [title: string, score: ScoreName])[];

const boxColumns: Shown = [
  ["AP", "ap"],
  ["AP50", "ap50"],
  ["AP75", "ap75"],
];
const maskColumns: Shown = [
  ["mask AP", "maskAp"],
  ["mask AP50", "maskAp50"],
  ["mask AP75", "maskAp75"],
];
/** VOC's own measure: of 2007 in eleven points, which papers report on its test split, and later by area. */
const vocColumns: Shown = [
  ["VOC07 AP", "voc07Ap"],
  ["VOC07 AP50", "voc07Ap50"],
  ["VOC07 AP75", "voc07Ap75"],
  ["VOC AP50", "vocAp50"],
];

/** What a label budget adds to a title. */
function labelled(labels: string): string {
  if (labels === "all") return "";
  return labels.endsWith("%") ? ` ${labels}` : ` ${labels} per class`;
}

function classColumns({ accuracy }: Pick<PlanSet, "accuracy">, labels: string): Shown {
  const [suffix, score]: [string, ScoreName] =
    accuracy === "top-1" ? ["", "top1"] : [" class mean", "meanPerClass"];
  return [
    [`kNN${labelled(labels)}`, "knn"],
    [`linear${suffix}${labelled(labels)}`, score],
    [`finetune${suffix}${labelled(labels)}`, score],
  ];
}

function shownOf(set: TransferSet, work: Work): Shown {
  if (work.kind === "detect") {
    const { masks } = set.plan.detect.detection;
    const isVoc = set.kind === "objects" && set.isVoc;
    return [...boxColumns, ...(masks ? maskColumns : []), ...(isVoc ? vocColumns : [])];
  }
  const [knn, linear, finetune] = classColumns(set.plan, work.labels);
  if (work.kind === "finetune") return [finetune];
  return [
    ...(set.measures.includes("knn") ? [knn] : []),
    ...(set.measures.includes("linear") ? [linear] : []),
  ];
}
