import { truncate, utimes } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { interleave, openRecords, type RecordList } from "../../../src/data/sources/records.js";
import { temporaryFolder, writeFiles } from "../fixtures.js";

/** Two photos of 2 x 2 pixels behind a label byte each, in one file, and one in another. */
async function prepare(): Promise<RecordList> {
  const path = await temporaryFolder();
  const record = (first: number) => [99, ...Array.from({ length: 12 }, (_, i) => first + i)];
  await writeFiles(path, {
    "a.bin": Uint8Array.from([...record(0), ...record(100)]),
    "b.bin": Uint8Array.from(record(200)),
  });
  return {
    path,
    layout: { bytes: 13, side: 2, toRgb: (bytes) => interleave(bytes.subarray(1), 2, "rows") },
    records: [
      { file: "a.bin", index: 1, label: 0 },
      { file: "b.bin", index: 0, label: 1 },
    ],
    classes: ["x", "y"],
  };
}

async function read(list: RecordList): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for await (const image of openRecords(list).images()) {
    found[image.name] = await image.read().catch((error: Error) => error.message);
  }
  return found;
}

test("offers the pixels of chosen records, with their labels", async () => {
  const list = await prepare();
  const source = openRecords(list);
  expect(source.expected).toBe(2);
  expect(source.labels?.classes).toEqual(["x", "y"]);
  expect(
    ["a.bin/000001", "b.bin/000000", "a.bin/000000"].map((name) => source.labels?.labelOf(name)),
  ).toEqual([0, 1, -1]);
  // Red, green and blue of a pixel are four bytes apart in the record.
  expect(await read(list)).toEqual({
    "a.bin/000001": {
      data: Uint8Array.of(100, 104, 108, 101, 105, 109, 102, 106, 110, 103, 107, 111),
      width: 2,
      height: 2,
    },
    "b.bin/000000": {
      data: Uint8Array.of(200, 204, 208, 201, 205, 209, 202, 206, 210, 203, 207, 211),
      width: 2,
      height: 2,
    },
  });
});

test("a record that is cut short cannot be read", async () => {
  const list = await prepare();
  await truncate(join(list.path, "b.bin"), 7);
  expect((await read(list))["b.bin/000000"]).toBe("Expected 13 bytes of photo 0 in b.bin, got 7.");
});

test("is another source with other records, labels, classes or times", async () => {
  const list = await prepare();
  const { identity } = openRecords(list);
  expect(openRecords(list).identity).toBe(identity);
  const others = [
    { ...list, records: list.records.slice(1) },
    { ...list, records: list.records.map((record) => ({ ...record, label: 1 })) },
    { ...list, records: list.records.map((record) => ({ ...record, index: 0 })) },
    { ...list, classes: ["x", "z"] },
  ];
  for (const other of others) expect(openRecords(other).identity).not.toBe(identity);
  await utimes(join(list.path, "a.bin"), 5, 5);
  expect(openRecords(list).identity).not.toBe(identity);
});

test("columns first is the transposed picture", () => {
  const planes = Uint8Array.from({ length: 27 }, (_, i) => i);
  const [rows, columns] = [interleave(planes, 3, "rows"), interleave(planes, 3, "columns")];
  for (let y = 0; y < 3; y++) {
    for (let x = 0; x < 3; x++) {
      const at = 3 * (3 * y + x);
      expect([...rows.subarray(at, at + 3)]).toEqual([3 * y + x, 9 + 3 * y + x, 18 + 3 * y + x]);
      expect([...columns.subarray(at, at + 3)]).toEqual([3 * x + y, 9 + 3 * x + y, 18 + 3 * x + y]);
    }
  }
});
