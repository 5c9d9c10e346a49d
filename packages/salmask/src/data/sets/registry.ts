/** Which data set a folder is. A new one is a file beside this and a line here. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { DataError, UsageError } from "../../base/errors.js";
import type { ImageSource } from "../sources/image-source.js";
import { caltech101 } from "./caltech-101.js";
import { cifar10, cifar100 } from "./cifar.js";
import { classFolders } from "./class-folders.js";
import { coco } from "./coco.js";
import { type DataSet, type DataSetReader, type SetOptions, setOptions } from "./data-set.js";
import { Faults, FaultyDataError } from "./faults.js";
import { flowers102 } from "./flowers-102.js";
import { flowers102Folders } from "./flowers-102-folders.js";
import { FolderLook } from "./folder-look.js";
import { imagenet } from "./imagenet.js";
import { stl10 } from "./stl10.js";
import { voc } from "./voc.js";

/** The first that recognises a folder is taken, so the particular stand before the general. */
const readers: readonly DataSetReader[] = [
  cifar10,
  cifar100,
  stl10,
  flowers102,
  flowers102Folders,
  caltech101,
  voc,
  coco,
  imagenet,
  classFolders,
];

const known =
  "class folders (with train and test, val, valid or validation, or without), ImageNet, CIFAR-10 and CIFAR-100 (binary), STL-10 (binary), " +
  "Caltech-101, Flowers-102, PASCAL VOC's layout or COCO's";

function find(path: string): { readonly look: FolderLook; readonly reader: DataSetReader | undefined } {
  const look = new FolderLook(path);
  return { look, reader: readers.find((reader) => reader.recognises(look)) };
}

export interface OpenSet extends Partial<SetOptions> {
  /** Takes what is wrong. */
  readonly faults: Faults;
}

/**
 * Opens the data set in a folder and leaves out what is wrong, which is added to the faults. Of a set with objects, a split's faults
 * are found when the split is read. Throws DataError: `missing-set`, `unknown-set`, and what a set's reader says.
 */
export async function openWithFaults(path: string, { faults, ...given }: OpenSet): Promise<DataSet> {
  const options = setOptions(given);
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() !== true) {
    const got = status === undefined ? "nothing there" : "a file. If it is an archive, unpack it";
    throw new DataError("missing-set", `Expected the folder of a data set at ${resolve(path)}, got ${got}.`);
  }
  const { look, reader } = find(path);
  if (reader === undefined) {
    const names = [...look.folders, ...look.files].sort().slice(0, 5).join(", ");
    const got = names === "" ? "an empty folder" : `a folder with ${names}`;
    throw new DataError("unknown-set", `Expected ${known} at ${look.path}, got ${got}.`);
  }
  const set = await reader.open(look, faults, options);
  if (options.subset !== null && set.name !== options.subset) {
    throw new UsageError(
      "no-subset",
      `Expected a folder of ImageNet to take ${options.subset} from, got ${set.title}.`,
    );
  }
  return set;
}

/** How a data set is split, what of it is used, and what happens to what is wrong with it. */
export interface UseSet extends Partial<SetOptions> {
  /** Leaves out what is wrong, and counts it; otherwise a set with faults is refused. Default false. */
  readonly skipBad?: boolean;
}

/** A data set to be used, and what of it was left out. */
export interface UsableSet {
  readonly set: DataSet;
  readonly faults: Faults;
}

/**
 * Opens the data set in a folder to be used. Throws FaultyDataError where it has faults and `skipBad` does not say to leave
 * them out, DataError (`missing-set`, `unknown-set` and what its reader throws) and UsageError `no-subset`.
 */
export async function openSet(
  path: string,
  { skipBad = false, ...options }: UseSet = {},
): Promise<UsableSet> {
  const faults = new Faults();
  const set = await openWithFaults(path, { ...options, faults });
  if (faults.total > 0 && !skipBad) throw new FaultyDataError(set.title, set.path, faults);
  return { set, faults };
}

/**
 * The photos to learn from without labels, where a folder is a data set that holds more than folders of photos; undefined where it
 * is a folder of photos like any other.
 */
export async function photosOfSet(path: string): Promise<ImageSource | undefined> {
  const { look, reader } = find(path);
  return reader?.photos?.(look);
}
