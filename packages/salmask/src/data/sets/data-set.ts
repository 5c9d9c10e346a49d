/** Data sets as people have them on disk: what each of them gives, whatever its files look like. */
import { UsageError } from "../../base/errors.js";
import type { AnnotatedPhotos } from "../samples/objects.js";
import type { ImageSource } from "../sources/image-source.js";
import type { Faults } from "./faults.js";
import type { FolderLook } from "./folder-look.js";

/** What the parts of a data set are for. */
export type SplitName = "train" | "validation" | "test";
export const splitNames: readonly SplitName[] = ["train", "validation", "test"];

/** How many there are in the set as it was published. */
export interface OfficialCounts {
  readonly classes: number;
  /** By the split's name. */
  readonly splits: Readonly<Record<string, { readonly photos: number; readonly objects?: number }>>;
}

interface DataSetFacts {
  /** For programs, such as `cifar-10`. */
  readonly name: string;
  /** For people, such as `CIFAR-10`. */
  readonly title: string;
  /** Absolute path of its folder. */
  readonly path: string;
  /** What people should know who compare numbers on it. */
  readonly notes: readonly string[];
  /** Null for sets of people's own. */
  readonly official: OfficialCounts | null;
}

/** A photo and its class. */
export interface LabelledPhoto {
  /** Path within the set, with `/`, or file and number of a record in it. */
  readonly name: string;
  /** Position in the set's classes; -1 where there is none. */
  readonly label: number;
}

/** Photos that each show one of some classes. */
export interface LabelledSet extends DataSetFacts {
  readonly kind: "labelled";
  readonly classes: readonly string[];
  readonly splits: Readonly<Partial<Record<SplitName, readonly LabelledPhoto[]>>>;
  /** What a split is called on disk, where that is another name. */
  readonly diskNames: Readonly<Partial<Record<SplitName, string>>>;
  /** Folders that are not used because another is taken for the same split. */
  readonly unused: readonly string[];
  /** Photos that are there without a class. */
  readonly unlabelled: number;
  /** The photos of a split, to be decoded. Throws where the set has no such split. */
  source(split: SplitName): ImageSource;
}

/** A part of a set of objects. */
export interface AnnotatedSplit {
  /** As the set calls it, such as `train2017` or `trainval`. */
  readonly name: string;
  readonly use: SplitName;
  /** Reads its annotations; what is wrong is added to the faults and left out. */
  read(faults: Faults, options: ReadObjects): Promise<AnnotatedPhotos>;
}

/** What is read of annotations. */
export interface ReadObjects {
  /** Whether masks are read that take opening a picture for each photo (VOC). Default true. */
  readonly masks?: boolean;
  readonly signal?: AbortSignal;
}

/** Photos with boxes and masks of objects. */
export interface AnnotatedSet extends DataSetFacts {
  readonly kind: "annotated";
  readonly splits: readonly AnnotatedSplit[];
}

/** A data set on disk: photos with classes, or photos with objects. */
export type DataSet = LabelledSet | AnnotatedSet;

/** How a data set is split, and what of it is used. */
export interface SetOptions {
  /** Of the splits that are drawn. Default 0. */
  readonly seed: number;
  /** Share of each class that is scored on, of folders without a split. Default 0.2. */
  readonly heldOut: number;
  /** Photos a class to learn from, in Caltech-101. Default 30. */
  readonly perClass: number;
  /** Of STL-10: which of the ten folds of the training photos, from 0; null: all of them. Default null. */
  readonly fold: number | null;
  /** Of an ImageNet folder: the classes of ImageNet-100 alone. Default null: all classes. */
  readonly subset: "imagenet-100" | null;
}

const defaults: SetOptions = { seed: 0, heldOut: 0.2, perClass: 30, fold: null, subset: null };

/** The options with their defaults. Throws UsageError: `bad-share`, `bad-count`. */
export function setOptions(given: Partial<SetOptions>): SetOptions {
  const { seed = defaults.seed, heldOut = defaults.heldOut, perClass = defaults.perClass } = given;
  const { fold = defaults.fold, subset = defaults.subset } = given;
  if (!(heldOut > 0 && heldOut < 1)) {
    throw new UsageError("bad-share", `Expected a share between 0 and 1 that is scored on, got ${heldOut}.`);
  }
  if (!Number.isInteger(perClass) || perClass < 1) {
    throw new UsageError("bad-count", `Expected 1 photo per class or more to learn from, got ${perClass}.`);
  }
  return { seed, heldOut, perClass, fold, subset };
}

/** A kind of data set: how it is recognised and read. */
export interface DataSetReader {
  /** Whether a folder is such a set, by names alone. */
  recognises(look: FolderLook): boolean;
  /** What is wrong is added to the faults and left out. Throws a DataError where nothing can be read. */
  open(look: FolderLook, faults: Faults, options: SetOptions): Promise<DataSet>;
  /**
   * The photos to learn from without labels, for sets whose folder is more than photos; sets without it are a folder of photos like
   * any other.
   */
  photos?(look: FolderLook): Promise<ImageSource>;
}
