/**
 * STL-10 in its binary version: photos of 96 pixels, planes in columns, labels from 1 in files of their own, 100,000 photos without a
 * label. Coates, Ng and Lee, "An Analysis of Single Layer Networks in Unsupervised Feature Learning", AISTATS 2011.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError, UsageError } from "../../base/errors.js";
import { interleave, openRecords, type PhotoRecord, type RecordLayout } from "../sources/records.js";
import { binarySet, countRecords, readLines, withClasses } from "./binary.js";
import type { DataSetReader } from "./data-set.js";
import { Faults } from "./faults.js";
import type { FolderLook } from "./folder-look.js";

const side = 96;
const layout: RecordLayout = {
  bytes: 3 * side * side,
  side,
  toRgb: (record) => interleave(record, side, "columns"),
};

const folder = "stl10_binary";
const names = "class_names.txt";
const folds = "fold_indices.txt";
const unlabelled = "unlabeled_X.bin";

function homeOf(look: FolderLook): FolderLook | null {
  const homes = [look, ...(look.folders.has(folder) ? [look.into(folder)] : [])];
  return homes.find((home) => home.has("train_X.bin", "train_y.bin")) ?? null;
}

function requireHome(look: FolderLook): FolderLook {
  const home = homeOf(look);
  if (home === null) throw new DataError("missing-set", `Expected STL-10 in ${look.path}, got none.`);
  return home;
}

/** Photos with the labels as they are in the file, from 1. */
function readRecords(home: FolderLook, split: "train" | "test", faults: Faults): PhotoRecord[] {
  const [photos, labels] = [`${split}_X.bin`, `${split}_y.bin`];
  const count = countRecords(home.path, photos, layout.bytes, faults);
  const labelled = countRecords(home.path, labels, 1, faults);
  if (count !== labelled) {
    faults.add(
      "bad-file",
      labels,
      `Expected a label for each of ${count} photos in ${photos}, got ${labelled}.`,
    );
  }
  if (count === 0 || labelled === 0) return [];
  const bytes = readFileSync(join(home.path, labels));
  const length = Math.min(count, labelled);
  return Array.from({ length }, (_, index) => ({ file: photos, index, label: bytes[index] }));
}

/** Numbers of training photos from 0, one list a fold. */
function readFolds(home: FolderLook, photos: number, faults: Faults): number[][] {
  if (!home.files.has(folds)) return [];
  return readLines(join(home.path, folds)).map((line, fold) => {
    const indices = line.split(/\s+/).map(Number);
    const isIndex = (index: number) => Number.isInteger(index) && index >= 0 && index < photos;
    const wrong = indices.find((index) => !isIndex(index));
    if (wrong !== undefined) {
      const expected = `Expected numbers of training photos from 0 to ${photos - 1}`;
      faults.add("bad-split", `${folds} line ${fold + 1}`, `${expected}, got ${wrong}.`);
    }
    return indices.filter(isIndex);
  });
}

function foldOf(
  home: FolderLook,
  train: readonly PhotoRecord[],
  fold: number,
  faults: Faults,
): PhotoRecord[] {
  const found = readFolds(home, train.length, faults);
  const chosen = found[fold];
  if (chosen !== undefined) return [...chosen].sort((a, b) => a - b).map((index) => train[index]);
  throw new UsageError(
    "no-such-fold",
    `Expected a fold of ${home.path}, ${found.length === 0 ? `which has no ${folds}` : `from 0 to ${found.length - 1}`}, got ${fold}.`,
  );
}

function openUnlabelled(home: FolderLook, faults: Faults): PhotoRecord[] {
  if (!home.files.has(unlabelled)) return [];
  const count = countRecords(home.path, unlabelled, layout.bytes, faults);
  return Array.from({ length: count }, (_, index) => ({ file: unlabelled, index, label: -1 }));
}

export const stl10: DataSetReader = {
  recognises: (look) => homeOf(look) !== null,

  async open(look, faults, { fold }) {
    const home = requireHome(look);
    const given = home.files.has(names) ? readLines(join(home.path, names)) : [];
    const classes = given.length > 0 ? given : Array.from({ length: 10 }, (_, i) => String(i + 1));
    const all = readRecords(home, "train", faults);
    const train = fold === null ? all : foldOf(home, all, fold, faults);
    if (fold === null) readFolds(home, all.length, faults);
    const test = readRecords(home, "test", faults);
    return binarySet({
      name: "stl-10",
      title: "STL-10",
      path: home.path,
      notes: fold === null ? [] : [`fold ${fold} of the training photos`],
      official: {
        classes: 10,
        splits: { train: { photos: fold === null ? 5000 : 1000 }, test: { photos: 8000 } },
      },
      classes,
      unlabelled: openUnlabelled(home, faults).length,
      layout,
      records: {
        train: withClasses(train, classes, 1, faults),
        test: withClasses(test, classes, 1, faults),
      },
    });
  },

  async photos(look) {
    const home = requireHome(look);
    const faults = new Faults();
    const without = openUnlabelled(home, faults);
    const records = without.length > 0 ? without : readRecords(home, "train", faults);
    const bare = records.map((record) => ({ ...record, label: -1 }));
    return openRecords({ path: home.path, layout, records: bare, classes: [] });
  },
};
