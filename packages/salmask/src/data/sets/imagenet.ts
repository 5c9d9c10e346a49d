/** ImageNet (ILSVRC 2012): folders of WordNet ids under `train` and `val`, and the 100 classes of it that papers use. */
import { DataError } from "../../base/errors.js";
import { type ClassFolderFacts, openSplitFolders, splitFoldersOf } from "./class-folders.js";
import type { DataSetReader } from "./data-set.js";
import type { FolderLook } from "./folder-look.js";
import { imagenet100 } from "./imagenet-100.js";

const imagenetFacts: ClassFolderFacts = {
  name: "imagenet",
  title: "ImageNet (ILSVRC 2012)",
  notes: [],
  official: {
    classes: 1000,
    splits: { train: { photos: 1_281_167 }, validation: { photos: 50_000 } },
  },
};

const imagenet100Facts: ClassFolderFacts = {
  name: "imagenet-100",
  title: "ImageNet-100",
  notes: ["the 100 classes of CMC's list"],
  official: { classes: 100, splits: { train: { photos: 126_689 }, validation: { photos: 5000 } } },
};

const wordnetId = /^n\d{8}$/;

function idsIn(look: FolderLook): string[] {
  return [...look.folders].filter((name) => wordnetId.test(name));
}

/** Which set the folders of classes are. */
function factsOf(ids: readonly string[]): ClassFolderFacts {
  if (ids.length === 1000) return imagenetFacts;
  const is100 = ids.length === 100 && imagenet100.every((id) => ids.includes(id));
  if (is100) return imagenet100Facts;
  return { name: "imagenet-classes", title: `${ids.length} classes of ImageNet`, notes: [], official: null };
}

/** The release has all validation photos in one folder, and their classes in a file of another archive. */
function refuseFlat(look: FolderLook, folder: string): void {
  const inside = look.into(folder);
  if (inside.folders.size > 0 || !inside.hasPhotos()) return;
  throw new DataError(
    "flat-validation",
    `Expected a folder per class in ${inside.path}, got photos without one. Move each ILSVRC2012_val_*.JPEG into a folder named by its ` +
      "WordNet id, as in train: line n of ILSVRC2012_validation_ground_truth.txt (in ILSVRC2012_devkit_t12.tar.gz) is the number of " +
      "photo n's class, and meta.mat there has the id of each number.",
  );
}

export const imagenet: DataSetReader = {
  recognises(look) {
    const { names } = splitFoldersOf(look);
    const folders = Object.values(names).map((name) => look.into(name).folders);
    const some = folders.filter(({ size }) => size > 0);
    return some.length > 0 && some.every((inside) => [...inside].every((name) => wordnetId.test(name)));
  },

  async open(look, faults, { subset }) {
    const { names } = splitFoldersOf(look);
    for (const folder of Object.values(names)) refuseFlat(look, folder);
    const ids = idsIn(look.into(names.train ?? names.validation ?? names.test ?? ""));
    if (subset === null) return openSplitFolders(look, factsOf(ids), faults);
    const missing = imagenet100.filter((id) => !ids.includes(id));
    if (missing.length > 0) {
      throw new DataError(
        "missing-classes",
        `Expected all 100 classes of ImageNet-100 in ${look.path}, got ${100 - missing.length}: ${missing.slice(0, 5).join(", ")} and ` +
          `others are missing.`,
      );
    }
    const wanted = new Set(imagenet100);
    return openSplitFolders(look, imagenet100Facts, faults, (folder) => wanted.has(folder));
  },
};
