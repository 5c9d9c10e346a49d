/**
 * Flowers-102 as a copy in class folders `train`, `valid` and `test` that many courses use: the photos of the official set
 * (`flowers-102.ts`) in other splits.
 */
import { type ClassFolderFacts, openSplitFolders, splitFoldersOf } from "./class-folders.js";
import type { DataSetReader } from "./data-set.js";

const classCount = 102;

const facts: ClassFolderFacts = {
  name: "flowers-102-folders",
  title: "Flowers-102 (the copy in folders)",
  notes: [
    "not the official splits: 6,552 to learn from, as many as the official test split and more; not comparable with the official set",
    "the paper's numbers fit the 818 photos of its valid folder",
  ],
  official: {
    classes: classCount,
    splits: { train: { photos: 6552 }, validation: { photos: 818 }, test: { photos: 819 } },
  },
};

export const flowers102Folders: DataSetReader = {
  recognises(look) {
    const { names } = splitFoldersOf(look);
    if (names.train === undefined || names.validation === undefined) return false;
    const { folders } = look.into(names.train);
    const expected = Array.from({ length: classCount }, (_, i) => String(i + 1));
    return folders.size === classCount && expected.every((name) => folders.has(name));
  },

  open: (look, faults) => openSplitFolders(look, facts, faults),
};
