/**
 * Flowers-102 (Nilsback and Zisserman, ICVGIP 2008), official: photos in one folder, labels and splits in .mat files. Another set than the
 * copy in class folders (`flowers-102-folders.ts`), whose splits are other photos.
 */
import { join } from "node:path";
import { labelledFiles } from "./class-folders.js";
import type { DataSetReader, LabelledPhoto, SplitName } from "./data-set.js";
import type { Faults } from "./faults.js";
import type { FolderLook } from "./folder-look.js";
import { readMatFile, wholeNumbers } from "./mat-file.js";

/** The splits' names in setid.mat. */
const arrayNames = { train: "trnid", validation: "valid", test: "tstid" } as const;
const classCount = 102;

/** Name of a photo by its number from 1. */
const fileOf = (number: number) => `image_${String(number).padStart(5, "0")}.jpg`;

function readSplit(
  numbers: Int32Array,
  labels: Int32Array,
  { where, jpg, seen, faults }: { where: string; jpg: FolderLook; seen: Map<number, string>; faults: Faults },
): LabelledPhoto[] {
  return [...numbers].flatMap((number) => {
    const of = `photo ${number} of ${where}`;
    const label = labels[number - 1];
    const before = seen.get(number);
    if (label === undefined) {
      faults.add("bad-split", of, `Expected a number from 1 to ${labels.length}, got ${number}.`);
    } else if (label < 1 || label > classCount) {
      faults.add("bad-label", of, `Expected a label from 1 to ${classCount}, got ${label}.`);
    } else if (before !== undefined) {
      faults.add("bad-split", of, `Expected a photo in one split once, got it in ${before} too.`);
    } else if (!jpg.files.has(fileOf(number))) {
      faults.add("missing-photo", of, `Expected ${fileOf(number)} in ${jpg.path}, got no such file.`);
    } else {
      seen.set(number, where);
      return [{ name: `jpg/${fileOf(number)}`, label: label - 1 }];
    }
    return [];
  });
}

export const flowers102: DataSetReader = {
  recognises: (look) => look.has("imagelabels.mat", "setid.mat"),

  async open(look, faults) {
    const [labelsPath, splitsPath] = [join(look.path, "imagelabels.mat"), join(look.path, "setid.mat")];
    const labels = wholeNumbers(readMatFile(labelsPath), "labels", labelsPath);
    const arrays = readMatFile(splitsPath);
    const jpg = look.into("jpg");
    const seen = new Map<number, string>();
    const splitOf = (split: SplitName) => {
      const where = arrayNames[split];
      return readSplit(wholeNumbers(arrays, where, splitsPath), labels, { where, jpg, seen, faults });
    };
    return labelledFiles({
      name: "flowers-102",
      title: "Flowers-102 (official)",
      path: look.path,
      notes: [
        "the official splits, 1,020 to learn from and 6,149 to be scored on: not comparable with the copy in folders",
        "classes are numbers: the set comes without names",
      ],
      official: {
        classes: classCount,
        splits: { train: { photos: 1020 }, validation: { photos: 1020 }, test: { photos: 6149 } },
      },
      classes: Array.from({ length: classCount }, (_, i) => String(i + 1)),
      splits: { train: splitOf("train"), validation: splitOf("validation"), test: splitOf("test") },
    });
  },
};
