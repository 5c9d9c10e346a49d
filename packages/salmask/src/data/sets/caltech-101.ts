/** Caltech-101: `101_ObjectCategories`, a folder a class. Fei-Fei, Fergus and Perona, CVPR-W 2004. */
import { openFolder } from "../sources/folder.js";
import { type ClassFolderFacts, openDrawnSplit } from "./class-folders.js";
import type { DataSetReader } from "./data-set.js";
import type { FolderLook } from "./folder-look.js";

const folder = "101_ObjectCategories";
/** Photos of no class, which the usual protocol leaves out. */
const background = "BACKGROUND_Google";
/** Classes by which the folder is known where it has another name. */
const telling = ["accordion", "Faces_easy", "Leopards", "yin_yang"];

const classes = 101;
const photos = 8677;
const usualPerClass = 30;

function homeOf(look: FolderLook): FolderLook | null {
  if (look.name === folder || look.hasFolders(...telling)) return look;
  return look.folders.has(folder) ? look.into(folder) : null;
}

export const caltech101: DataSetReader = {
  recognises: (look) => homeOf(look) !== null,

  async open(look, _faults, { seed, perClass }) {
    const home = homeOf(look) ?? look;
    const { names } = await openFolder(home.path, (name) => name !== background);
    const facts: ClassFolderFacts = {
      name: "caltech-101",
      title: "Caltech-101",
      notes: [
        `${background} is left out`,
        `drawn with seed ${seed}: ${perClass} photos per class are the train split, the rest the test split`,
        "classes differ in size: compare means per class, over several seeds",
      ],
      official:
        perClass === usualPerClass
          ? {
              classes,
              splits: {
                train: { photos: classes * usualPerClass },
                test: { photos: photos - classes * usualPerClass },
              },
            }
          : null,
    };
    // One is left to be scored on, however few a class has.
    const trainOf = (count: number) => Math.max(1, Math.min(perClass, count - 1));
    return openDrawnSplit(
      home.path,
      names.filter((name) => name.includes("/")),
      { facts, seed, trainOf },
    );
  },
};
