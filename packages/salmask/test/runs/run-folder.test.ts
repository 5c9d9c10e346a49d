import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clearRun, refuseForeign } from "../../src/runs/run-folder.js";
import { temporaryFolder } from "../support/photos.js";

describe("a run's folder", () => {
  it("is not one that holds a stranger's files, and those are left as they are", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "config.yaml"), "mine");
    expect(() => refuseForeign(folder)).toThrow("holds config.yaml");
    expect(() => clearRun(folder)).toThrow("holds config.yaml");
    expect(readFileSync(join(folder, "config.yaml"), "utf8")).toBe("mine");
  });

  it("may be missing or empty", async () => {
    const folder = await temporaryFolder();
    expect(() => refuseForeign(folder)).not.toThrow();
    expect(() => clearRun(join(folder, "none"))).not.toThrow();
    expect(existsSync(join(folder, "none"))).toBe(false);
  });

  it("loses a run's own files alone when it is cleared", async () => {
    const folder = await temporaryFolder();
    const checkpoints = join(folder, "checkpoints");
    await mkdir(checkpoints);
    for (const name of ["config.yaml", "summary.json", "photo.jpg"]) await writeFile(join(folder, name), "");
    for (const name of ["step-000000003.safetensors", "note.txt"])
      await writeFile(join(checkpoints, name), "");
    clearRun(folder);
    expect((await readdir(folder)).sort()).toEqual(["checkpoints", "photo.jpg"]);
    expect(await readdir(checkpoints)).toEqual(["note.txt"]);
  });
});
