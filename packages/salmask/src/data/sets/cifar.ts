/**
 * CIFAR-10 and CIFAR-100 in their binary version: records of label bytes and 3072 bytes of pixels, one plane after another.
 * Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../base/errors.js";
import { interleave, type PhotoRecord, type RecordLayout } from "../sources/records.js";
import { binarySet, countRecords, readLines, withClasses } from "./binary.js";
import type { DataSetReader, SplitName } from "./data-set.js";
import { Faults } from "./faults.js";
import type { FolderLook } from "./folder-look.js";

const side = 32;

interface Kind {
  readonly name: string;
  readonly title: string;
  readonly classes: number;
  /** Bytes before the pixels; the last of them is the label that counts. */
  readonly labelBytes: number;
  readonly files: Readonly<Record<Exclude<SplitName, "validation">, readonly string[]>>;
  readonly namesFile: string;
  /** The folder as it is unpacked. */
  readonly folder: string;
}

const cifar10Kind: Kind = {
  name: "cifar-10",
  title: "CIFAR-10",
  classes: 10,
  labelBytes: 1,
  files: {
    train: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`),
    test: ["test_batch.bin"],
  },
  namesFile: "batches.meta.txt",
  folder: "cifar-10-batches-bin",
};

const cifar100Kind: Kind = {
  name: "cifar-100",
  title: "CIFAR-100",
  classes: 100,
  // The coarse label of 20, then the fine one of 100.
  labelBytes: 2,
  files: { train: ["train.bin"], test: ["test.bin"] },
  namesFile: "fine_label_names.txt",
  folder: "cifar-100-binary",
};

const layoutOf = ({ labelBytes }: Kind): RecordLayout => ({
  bytes: labelBytes + 3 * side * side,
  side,
  toRgb: (record) => interleave(record.subarray(labelBytes), side, "rows"),
});

/** The folder itself, or the one in it that the archive unpacks to; null where there is neither. */
function homeOf(kind: Kind, look: FolderLook): FolderLook | null {
  const homes = [look, ...(look.folders.has(kind.folder) ? [look.into(kind.folder)] : [])];
  // CIFAR-100's files have names that any set could have: its class names tell it.
  return (
    homes.find(
      (home) => home.files.has(kind.namesFile) && kind.files.train.some((file) => home.files.has(file)),
    ) ?? null
  );
}

function readRecords(home: FolderLook, kind: Kind, split: "train" | "test", faults: Faults): PhotoRecord[] {
  const { bytes } = layoutOf(kind);
  return kind.files[split].flatMap((file) => {
    const count = countRecords(home.path, file, bytes, faults);
    if (count === 0) return [];
    const content = readFileSync(join(home.path, file));
    return Array.from({ length: count }, (_, index) => ({
      file,
      index,
      label: content[index * bytes + kind.labelBytes - 1],
    }));
  });
}

function openCifar(kind: Kind, look: FolderLook, faults: Faults) {
  const home = homeOf(kind, look);
  if (home === null) throw new DataError("missing-set", `Expected ${kind.title} in ${look.path}, got none.`);
  const classes = readLines(join(home.path, kind.namesFile));
  if (classes.length !== kind.classes || new Set(classes).size !== kind.classes) {
    throw new DataError(
      "bad-class-names",
      `Expected ${kind.classes} different names in ${join(home.path, kind.namesFile)}, got ${classes.length} lines.`,
    );
  }
  const recordsOf = (split: "train" | "test") =>
    withClasses(readRecords(home, kind, split, faults), classes, 0, faults);
  return binarySet({
    name: kind.name,
    title: kind.title,
    path: home.path,
    notes: [],
    official: { classes: kind.classes, splits: { train: { photos: 50_000 }, test: { photos: 10_000 } } },
    classes,
    unlabelled: 0,
    layout: layoutOf(kind),
    records: { train: recordsOf("train"), test: recordsOf("test") },
  });
}

function readerOf(kind: Kind): DataSetReader {
  return {
    recognises: (look) => homeOf(kind, look) !== null,
    open: async (look, faults) => openCifar(kind, look, faults),
    photos: async (look) => openCifar(kind, look, new Faults()).source("train"),
  };
}

export const cifar10 = readerOf(cifar10Kind);
export const cifar100 = readerOf(cifar100Kind);
