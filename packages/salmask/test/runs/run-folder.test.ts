import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RunFolder } from "../../src/runs/run-folder.js";
import { temporaryFolder } from "../support/photos.js";

describe("a run's folder", () => {
  it("is not one that holds a stranger's files, and those are left as they are", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "config.yaml"), "mine");
    expect(() => new RunFolder(folder).refuseForeign()).toThrow("holds config.yaml");
    expect(() => new RunFolder(folder).clear()).toThrow("holds config.yaml");
    expect(readFileSync(join(folder, "config.yaml"), "utf8")).toBe("mine");
  });

  it("may be missing or empty", async () => {
    const folder = await temporaryFolder();
    expect(() => new RunFolder(folder).refuseForeign()).not.toThrow();
    expect(() => new RunFolder(join(folder, "none")).clear()).not.toThrow();
    expect(existsSync(join(folder, "none"))).toBe(false);
  });

  it("loses a run's own files alone when it is cleared", async () => {
    const folder = await temporaryFolder();
    const checkpoints = join(folder, "checkpoints");
    await mkdir(checkpoints);
    for (const name of ["config.yaml", "summary.json", "photo.jpg"]) await writeFile(join(folder, name), "");
    for (const name of ["step-000000003.safetensors", "note.txt"])
      await writeFile(join(checkpoints, name), "");
    new RunFolder(folder).clear();
    expect((await readdir(folder)).sort()).toEqual(["checkpoints", "photo.jpg"]);
    expect(await readdir(checkpoints)).toEqual(["note.txt"]);
  });
});
