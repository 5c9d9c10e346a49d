/** One folder a class, in folders of splits (`train`, and `test`, `val`, `valid` or `validation`) or without. */
import { join } from "node:path";
import { openFileList } from "../sources/file-list.js";
import { type FolderSource, openFolder } from "../sources/folder.js";
import type { ImageSource } from "../sources/image-source.js";
import { byCodeUnits } from "../sources/names.js";
import {
  type DataSetReader,
  type LabelledPhoto,
  type LabelledSet,
  type SetOptions,
  type SplitName,
  splitNames,
} from "./data-set.js";
import type { Faults } from "./faults.js";
import type { FolderLook } from "./folder-look.js";
import { splitByClass } from "./split-by-class.js";

/** The folders of a split, the one that is taken first. */
const foldersOf: Readonly<Record<SplitName, readonly string[]>> = {
  train: ["train"],
  validation: ["val", "valid", "validation"],
  test: ["test"],
};

/** Folders that are looked into before a folder counts as one of classes. */
const mostLooks = 8;

/** What a set of class folders is, besides its photos. */
export type ClassFolderFacts = Pick<LabelledSet, "name" | "title" | "notes" | "official">;

const plainFolders: ClassFolderFacts = {
  name: "class-folders",
  title: "one folder per class",
  notes: [],
  official: null,
};

/** The splits that a folder has, by what they are called there. */
export function splitFoldersOf(look: FolderLook): {
  readonly names: Partial<Record<SplitName, string>>;
  readonly unused: readonly string[];
} {
  const names: Partial<Record<SplitName, string>> = {};
  const unused: string[] = [];
  for (const split of splitNames) {
    const [taken, ...others] = foldersOf[split].filter((folder) => look.folders.has(folder));
    if (taken !== undefined) names[split] = taken;
    unused.push(...others);
  }
  return { names, unused };
}

/** Whether folders with photos in them, at least two, lie in a folder. */
function holdsClasses(look: FolderLook): boolean {
  const looks = look.sortedFolders().slice(0, mostLooks);
  const holding = looks.filter((name) => {
    const inner = look.into(name);
    return inner.hasPhotos() || inner.folders.size > 0;
  });
  return holding.length >= 2;
}

export const classFolders: DataSetReader = {
  recognises(look) {
    const { names } = splitFoldersOf(look);
    const folders = Object.values(names);
    if (folders.length === 0) return holdsClasses(look);
    return folders.some((name) => look.into(name).folders.size > 0 || look.into(name).hasPhotos());
  },

  open(look, faults, options) {
    const { names } = splitFoldersOf(look);
    return Object.keys(names).length > 0
      ? openSplitFolders(look, plainFolders, faults)
      : openUnsplit(look, plainFolders, faults, options);
  },
};

const classOf = (name: string) => name.slice(0, name.indexOf("/"));

/**
 * A set in folders of splits; of the class folders, those that `takes` says. Classes are those of all splits, sorted by code units,
 * and each photo's is its first folder within the split.
 */
export async function openSplitFolders(
  look: FolderLook,
  facts: ClassFolderFacts,
  faults: Faults,
  takes: (folder: string) => boolean = () => true,
): Promise<LabelledSet> {
  const { names, unused } = splitFoldersOf(look);
  const sources = new Map<SplitName, FolderSource>();
  for (const split of splitNames) {
    const folder = names[split];
    if (folder !== undefined) sources.set(split, await openFolder(join(look.path, folder), takes));
  }
  const all = [...sources.values()].flatMap((source) => source.names.filter((name) => name.includes("/")));
  const classes = [...new Set(all.map(classOf))].sort(byCodeUnits);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const splits: Partial<Record<SplitName, LabelledPhoto[]>> = {};
  for (const [split, source] of sources) {
    const loose = source.names.filter((name) => !name.includes("/"));
    if (loose.length > 0) reportLoose(names[split] ?? split, loose, faults);
    splits[split] = source.names
      .filter((name) => name.includes("/"))
      .map((name) => ({ name: `${names[split]}/${name}`, label: labels.get(classOf(name)) ?? -1 }));
  }
  return {
    kind: "labelled",
    ...facts,
    path: look.path,
    classes,
    splits,
    diskNames: names,
    unused,
    unlabelled: 0,
    source(split) {
      const source = sources.get(split);
      if (source === undefined) throw new Error(`Expected a split of the set, got ${split}.`);
      return source;
    },
  };
}

function reportLoose(where: string, loose: readonly string[], faults: Faults): void {
  faults.add(
    "no-class",
    where,
    `Expected each photo in a folder of its class, got ${loose.length} that are in none, such as ${loose[0]}.`,
  );
}

/**
 * A set of class folders without a split: of each class, a share that the options and the seed say is the test split. Photos directly
 * in the folder belong to no class and are a fault.
 */
async function openUnsplit(
  look: FolderLook,
  facts: ClassFolderFacts,
  faults: Faults,
  { seed, heldOut }: SetOptions,
): Promise<LabelledSet> {
  const { names } = await openFolder(look.path);
  const loose = names.filter((name) => !name.includes("/"));
  if (loose.length > 0) reportLoose(look.path, loose, faults);
  const photos = names.filter((name) => name.includes("/"));
  const trainOf = (count: number) => {
    // One to be scored on and one to learn from, where there are two.
    const scored = Math.max(1, Math.round(heldOut * count));
    return Math.max(1, count - scored);
  };
  const notes = [
    ...facts.notes,
    `drawn with seed ${seed}: ${Math.round(100 * heldOut)} % of each class are the test split`,
  ];
  return openDrawnSplit(look.path, photos, { facts: { ...facts, notes }, seed, trainOf });
}

/** A set of class folders whose train and test split are drawn: `trainOf` says how many of a class's photos are learned from. */
export function openDrawnSplit(
  path: string,
  names: readonly string[],
  how: {
    readonly facts: ClassFolderFacts;
    readonly seed: number;
    readonly trainOf: (count: number) => number;
  },
): LabelledSet {
  const classes = [...new Set(names.map(classOf))].sort(byCodeUnits);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const photos = names.map((name) => ({ name, label: labels.get(classOf(name)) ?? -1 }));
  const { train, test } = splitByClass(photos, how);
  return labelledFiles({ ...how.facts, path, classes, splits: { train, test } });
}

/** A set whose photos are files, each of which says by the splits' lists what it shows. */
export function labelledFiles(
  set: Pick<LabelledSet, "name" | "title" | "notes" | "official" | "path" | "classes" | "splits">,
): LabelledSet {
  return {
    kind: "labelled",
    ...set,
    diskNames: {},
    unused: [],
    unlabelled: 0,
    source(split): ImageSource {
      const files = set.splits[split];
      if (files === undefined) throw new Error(`Expected a split of the set, got ${split}.`);
      return openFileList({ path: set.path, files, classes: set.classes });
    },
  };
}
