import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readMatFile, wholeNumbers } from "../../../src/data/sets/mat-file.js";
import { temporaryFolder } from "../../support/photos.js";
import { matFile } from "./mat.fixture.js";

async function read(bytes: Uint8Array): Promise<Record<string, { dimensions: number[]; values: number[] }>> {
  const path = join(await temporaryFolder(), "x.mat");
  await writeFile(path, bytes);
  const arrays = [...readMatFile(path)];
  return Object.fromEntries(
    arrays.map(([name, { dimensions, values }]) => [
      name,
      { dimensions: [...dimensions], values: [...values] },
    ]),
  );
}

const header = Buffer.alloc(128, " ");
header.write("MATLAB 5.0 MAT-file");
header.set([0, 1, 0x49, 0x4d], 124);

// x = uint8([1 2 3]), byte by byte: tag of an array of 48 bytes; flags, class 9; dimensions 1, 3; the name and the values as small elements.
const byHand = Buffer.from(
  "0e00000030000000" +
    "06000000080000000900000000000000" +
    "05000000080000000100000003000000" +
    "0100010078000000" +
    "0200030001020300",
  "hex",
);

describe("readMatFile", () => {
  test("reads an array written by hand", async () => {
    expect(await read(Buffer.concat([header, byHand]))).toEqual({
      x: { dimensions: [1, 3], values: [1, 2, 3] },
    });
  });

  const variables = [
    { name: "labels", values: [77, 1, 102, 3, 5] },
    { name: "wide", values: [300, 65_535, 0], stored: "uint16" },
    { name: "a", values: [-1.5, 2 ** 40], stored: "double", dimensions: [2, 1] },
    { name: "ints", values: [-7, 8, 9, 10], type: "int32", stored: "int32", dimensions: [2, 2] },
    { name: "none", values: [] },
  ] as const;

  test.each([
    ["plain, little-endian", { compressed: false, little: true }],
    ["plain, big-endian", { compressed: false, little: false }],
    ["compressed, little-endian", { compressed: true, little: true }],
    ["compressed, big-endian", { compressed: true, little: false }],
  ])("reads arrays of all kinds, %s", async (_, options) => {
    expect(await read(matFile(variables, options))).toEqual({
      labels: { dimensions: [1, 5], values: [77, 1, 102, 3, 5] },
      wide: { dimensions: [1, 3], values: [300, 65_535, 0] },
      a: { dimensions: [2, 1], values: [-1.5, 2 ** 40] },
      ints: { dimensions: [2, 2], values: [-7, 8, 9, 10] },
      none: { dimensions: [1, 0], values: [] },
    });
  });

  test("passes over what is not an array of real numbers", async () => {
    const text = Buffer.from(byHand);
    text[16] = 4; // the class of text
    const complex = matFile([{ name: "c", values: [1], complex: true }]).subarray(128);
    expect(Object.keys(await read(Buffer.concat([header, text, complex, byHand])))).toEqual(["x"]);
  });

  const whole = matFile([{ name: "labels", values: [1, 2, 3, 4, 5, 6, 7, 8, 9] }], { compressed: true });
  const v73 = Buffer.from(header);
  v73.write("MATLAB 7.3 MAT-file");
  const short = Buffer.concat([header, byHand]);
  short[128 + 24 + 12] = 4; // four values are said to be there
  test.each([
    ["an empty file", Buffer.alloc(0), /the header of a .mat file of version 5/],
    ["something else", Buffer.alloc(200, "x"), /the header/],
    ["version 7.3", v73, /version 5, got version 7.3.*-v7/],
    ["a file that is cut short", whole.subarray(0, -5), /an element of \d+ bytes, got \d+/],
    [
      "a file that ends in a tag",
      Buffer.concat([header, byHand, Buffer.from([1, 2])]),
      /the end of the file/,
    ],
    [
      "compressed data that is damaged",
      Buffer.concat([whole.subarray(0, 140), Buffer.alloc(whole.length - 140, 7)]),
      /compressed data, got/,
    ],
    ["fewer values than dimensions", short, /4 values of x \(1 x 4\), got 3/],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: "bad-mat-file",
      message: expect.stringMatching(message),
    });
  });

  test("refuses a file that is not there", () => {
    expect(() => readMatFile("/nowhere/x.mat")).toThrow(/Expected a .mat file that can be read/);
  });
});

describe("wholeNumbers", () => {
  const arrays = new Map([
    ["row", { dimensions: [1, 3], values: Float64Array.of(1, 2, 3) }],
    ["column", { dimensions: [2, 1], values: Float64Array.of(4, 5) }],
    ["table", { dimensions: [2, 2], values: Float64Array.of(1, 2, 3, 4) }],
    ["halves", { dimensions: [1, 1], values: Float64Array.of(0.5) }],
  ]);

  test("takes a row or a column", () => {
    expect([...wholeNumbers(arrays, "row", "x.mat")]).toEqual([1, 2, 3]);
    expect([...wholeNumbers(arrays, "column", "x.mat")]).toEqual([4, 5]);
  });

  test.each([
    ["gone", "got only row, column, table, halves"],
    ["table", "got 2 x 2 numbers"],
    ["halves", "got 1 x 1 numbers that are not whole"],
  ])("refuses %s", (name, got) => {
    expect(() => wholeNumbers(arrays, name, "x.mat")).toThrow(got);
  });
});
