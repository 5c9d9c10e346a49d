/** Data sets whose photos and labels lie in binary files of fixed records. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { openRecords, type PhotoRecord, type RecordLayout, recordName } from "../sources/records.js";
import { type LabelledSet, type SplitName, splitNames } from "./data-set.js";
import type { Faults } from "./faults.js";

/** The lines of a text file that are not empty. */
export function readLines(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/**
 * How many whole records a file of the folder holds. A missing file, one without a record, and bytes after the last whole record are
 * faults.
 */
export function countRecords(folder: string, file: string, recordBytes: number, faults: Faults): number {
  const status = statSync(join(folder, file), { throwIfNoEntry: false });
  if (status === undefined) {
    faults.add("missing-file", file, `Expected the file in ${folder}, got none.`);
    return 0;
  }
  const count = Math.floor(status.size / recordBytes);
  if (count === 0 || count * recordBytes !== status.size) {
    faults.add(
      "bad-file",
      file,
      `Expected records of ${recordBytes} bytes, got ${status.size} bytes: ${count} records and ${status.size - count * recordBytes} bytes ` +
        "more. Download it again.",
    );
  }
  return count;
}

/** Records whose label is a class; the others are faults. `offset` is the number of the first class. */
export function withClasses(
  records: readonly PhotoRecord[],
  classes: readonly string[],
  offset: number,
  faults: Faults,
): PhotoRecord[] {
  return records.flatMap((record) => {
    const label = record.label - offset;
    if (label >= 0 && label < classes.length) return [{ ...record, label }];
    const most = classes.length - 1 + offset;
    faults.add(
      "bad-label",
      recordName(record),
      `Expected a label from ${offset} to ${most}, got ${record.label}.`,
    );
    return [];
  });
}

/** A set of records; `diskNames` say what its splits are called. */
export function binarySet(
  set: Pick<LabelledSet, "name" | "title" | "notes" | "official" | "path" | "classes" | "unlabelled"> & {
    readonly layout: RecordLayout;
    readonly records: Readonly<Partial<Record<SplitName, readonly PhotoRecord[]>>>;
  },
): LabelledSet {
  const { layout, records, ...facts } = set;
  const splits: { -readonly [K in keyof LabelledSet["splits"]]: LabelledSet["splits"][K] } = {};
  for (const split of splitNames) {
    const given = records[split];
    if (given !== undefined) {
      splits[split] = given.map((record) => ({ name: recordName(record), label: record.label }));
    }
  }
  return {
    kind: "labelled",
    ...facts,
    splits,
    diskNames: {},
    unused: [],
    source(split) {
      const chosen = records[split];
      if (chosen === undefined) throw new Error(`Expected a split of the set, got ${split}.`);
      return openRecords({ path: set.path, layout, records: chosen, classes: set.classes });
    },
  };
}
