import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { splitsOf } from "../../../src/data/samples/splits.js";
import { temporaryFolder } from "../fixtures.js";

async function folderWith(...names: string[]): Promise<string> {
  const root = await temporaryFolder();
  for (const name of names) await mkdir(join(root, name));
  return root;
}

describe("splitsOf", () => {
  test.each(["test", "val", "valid", "validation"])("finds train and %s", async (name) => {
    const root = await folderWith("train", name);
    expect(splitsOf(root)).toEqual({
      train: join(root, "train"),
      test: join(root, name),
      chosen: name,
      others: [],
    });
  });

  test("says which of several it chose, and chooses another by name", async () => {
    const root = await folderWith("train", "test", "validation", "holdout");
    expect(splitsOf(root)).toMatchObject({ chosen: "test", others: ["validation"] });
    expect(splitsOf(root, "validation")).toMatchObject({
      test: join(root, "validation"),
      chosen: "validation",
      others: ["test"],
    });
    expect(splitsOf(root, "holdout")).toMatchObject({ test: join(root, "holdout"), chosen: "holdout" });
  });

  test("rejects a folder without them and names the existing folders", async () => {
    const root = await folderWith("test", "validation");
    expect(() => splitsOf(root)).toThrow(/train and test or val or valid or validation.*got test and val/);
    await mkdir(join(root, "train"));
    expect(() => splitsOf(root, "holdout")).toThrow(/train and holdout.*got train and test and validation/);
    expect(() => splitsOf(join(root, "gone"))).toThrow(/got none of them/);
  });

  test("a file with the name is not a split", async () => {
    const root = await folderWith("train");
    await writeFile(join(root, "test"), "");
    expect(() => splitsOf(root)).toThrow(expect.objectContaining({ code: "no-splits", exitCode: 2 }));
  });
});
