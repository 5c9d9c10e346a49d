/** The sets of a plan, opened: what each of them is, and so what is measured on it. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DataError, UsageError } from "../base/errors.js";
import type { Report } from "../base/events.js";
import { generateEmbedded } from "../data/embedded/generate.js";
import { generateObjects } from "../data/embedded/generate-objects.js";
import { type AnnotatedPhotos, namesOf } from "../data/samples/objects.js";
import type { AnnotatedSet, LabelledSet, SplitName } from "../data/sets/data-set.js";
import { openSet } from "../data/sets/registry.js";
import { fingerprintOf } from "../tasks/detect/fingerprint.js";
import { openObjects } from "../tasks/detect/open-objects.js";
import { type HeldOutSplit, heldOutSplits, scoredSplit } from "../tasks/probe/probe.js";
import { FileSizes } from "./file-sizes.js";
import { type Measure, measures } from "./measures.js";
import type { PlanSet } from "./plan.js";

interface OpenedSet {
  readonly plan: PlanSet;
  /** Its folder. */
  readonly path: string;
  readonly measures: readonly Measure[];
  /** The photos that are learned from and scored on, as the seed draws them. */
  identity(seed: number): Promise<SetIdentity>;
}

/** What a cell knows its photos by: hexadecimal digits. */
export interface SetIdentity {
  /** Of the photos' names and of what is said of them: classes, labels, objects. */
  readonly photos: string;
  /** Of the sizes of their files: the same set exists in several sizes and difficulties. */
  readonly files: string;
}

/** Photos with classes. */
export interface ClassSet extends OpenedSet {
  readonly kind: "classes";
  readonly scored: HeldOutSplit;
}

/** Photos with boxes of objects. */
export interface ObjectSet extends OpenedSet {
  readonly kind: "objects";
  readonly isVoc: boolean;
  readonly train: AnnotatedPhotos;
  readonly scored: AnnotatedPhotos;
}

export type TransferSet = ClassSet | ObjectSet;

export interface OpenSets {
  /** Where the embedded set is drawn. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly report: Report;
}

/** Opens a set. Throws UsageError and DataError where what the plan wants cannot be measured on it. */
export async function openTransferSet(plan: PlanSet, options: OpenSets): Promise<TransferSet> {
  const path = await folderOf(plan, options);
  const { skipBad } = plan;
  const { set } = await openSet(path, { ...plan.options, skipBad });
  if (plan.is !== null && set.name !== plan.is) {
    throw new UsageError(
      "other-set",
      `Expected the set ${plan.is} at ${path}, got ${set.title} (${set.name}).`,
    );
  }
  return set.kind === "labelled" ? openClasses(set, plan, path) : openBoxes(set, plan, path, options);
}

async function folderOf({ photos, slug }: PlanSet, { folder, signal, report }: OpenSets): Promise<string> {
  if (photos.kind === "folder") return photos.path;
  const at = join(folder, slug);
  const generate = photos.objects ? generateObjects : generateEmbedded;
  return (await generate(at, photos.options, { signal, report })).folder;
}

/** The measures that are taken on a set, in a fixed order. Throws {@link UsageError} `no-measure`. */
function measuresOf(
  { measures: asked }: PlanSet,
  possible: readonly Measure[],
  usual: readonly Measure[],
): Measure[] {
  if (asked === null) return [...usual];
  const impossible = asked.names.filter((name) => !possible.includes(name));
  const taken = measures.filter((name) => asked.names.includes(name) && possible.includes(name));
  if (taken.length > 0 && !(asked.ofSet && impossible.length > 0)) return taken;
  throw new UsageError(
    "no-measure",
    `Expected measures that the set has photos for, ${possible.join(", ")}, got ${impossible.join(", ")}.`,
  );
}

function openClasses(set: LabelledSet, plan: PlanSet, path: string): ClassSet {
  const { train, skipBad, options } = plan;
  if (train.length > 0) {
    throw new UsageError(
      "no-effect",
      "Expected no train where photos have classes: their train split is learned from.",
    );
  }
  const scored = scoredSplit(set, path, heldOutOf(plan));
  const drawn = new Map<number, Promise<SetIdentity>>();
  const sizes = new FileSizes(set.path);
  const identityOfSplits = async (seed: number) => {
    const ofSeed = await openSet(path, { ...options, seed, skipBad });
    if (ofSeed.set.kind !== "labelled") throw new TypeError(`Expected photos with classes in ${path}.`);
    const { classes, splits } = ofSeed.set;
    const photos = [splits.train ?? [], splits[scored] ?? []];
    const facts = photos.map((split) => split.map(({ name, label }) => [name, label]));
    return {
      photos: hashOf([classes, ...facts]),
      files: hashOf(photos.map((split) => split.map(({ name }) => sizes.of(name)))),
    };
  };
  return {
    kind: "classes",
    plan,
    path,
    measures: measuresOf(plan, ["knn", "linear", "finetune"], ["knn", "linear"]),
    scored,
    identity: (seed) => {
      const known = drawn.get(seed) ?? identityOfSplits(seed);
      drawn.set(seed, known);
      return known;
    },
  };
}

function heldOutOf({ scored }: PlanSet): HeldOutSplit | undefined {
  const [wanted, ...others] = scored;
  const found = heldOutSplits.find((split) => split === wanted);
  if (wanted === undefined || (found !== undefined && others.length === 0)) return found;
  throw new UsageError(
    "no-such-split",
    `Expected test or validation to be scored on, got ${scored.join(", ")}.`,
  );
}

async function openBoxes(
  set: AnnotatedSet,
  plan: PlanSet,
  path: string,
  { signal, report }: OpenSets,
): Promise<ObjectSet> {
  const taken = measuresOf(plan, ["detect"], ["detect"]);
  const { masks } = plan.detect.detection;
  const read = (names: readonly string[], uses: readonly SplitName[]) => {
    const split = names.length === 0 ? undefined : names.join(",");
    return openObjects({ folder: path, split, skipBad: plan.skipBad, signal, report }, { uses, masks });
  };
  const train = await read(plan.train, ["train"]);
  const scored = await read(plan.scored, ["test", "validation"]);
  refuseShared(train, scored);
  refuseOtherCategories(train, scored);
  if (masks) refuseWithoutMasks([...train.photos, ...scored.photos]);
  const parts = [train, scored];
  const identity = {
    photos: hashOf(parts.map(fingerprintOf)),
    files: hashOf(parts.map(sizesOf)),
  };
  return {
    kind: "objects",
    plan,
    path,
    measures: taken,
    isVoc: set.name === "voc",
    train,
    scored,
    identity: async () => identity,
  };
}

function sizesOf({ path, photos }: AnnotatedPhotos): number[] {
  const sizes = new FileSizes(path);
  return photos.map(({ name }) => sizes.of(name));
}

/** VOC's trainval, for one, holds its val. */
function refuseShared(train: AnnotatedPhotos, scored: AnnotatedPhotos): void {
  const learned = new Set(train.photos.map(({ name }) => join(train.path, name)));
  const shared = scored.photos.filter(({ name }) => learned.has(join(scored.path, name)));
  if (shared.length === 0) return;
  throw new DataError(
    "shared-photos",
    `Expected photos to be scored on that are not learned from, got ${shared.length} that are both, such as ${shared[0].name}. ` +
      "Name other parts by train and scored.",
  );
}

function refuseOtherCategories(train: AnnotatedPhotos, scored: AnnotatedPhotos): void {
  const [learned, asked] = [namesOf(train.categories), namesOf(scored.categories)];
  if (learned === asked) return;
  throw new DataError(
    "other-categories",
    `Expected the same categories to learn and to be scored on, got ${learned} and ${asked}.`,
  );
}

function refuseWithoutMasks(photos: AnnotatedPhotos["photos"]): void {
  const without = photos
    .flatMap(({ objects }) => objects)
    .filter(({ segmentation }) => segmentation === null);
  if (without.length === 0) return;
  throw new DataError(
    "no-mask",
    `Expected a mask of each object, got ${without.length} with a box alone. Leave out detect.detection.masks.`,
  );
}

const hashOf = (facts: unknown) => createHash("sha256").update(JSON.stringify(facts)).digest("hex");
