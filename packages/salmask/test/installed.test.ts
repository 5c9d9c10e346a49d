import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildInfo } from "@salmask/torch";
import { expect, it } from "vitest";
import * as library from "../src/index.js";
import { temporaryFolder, writePhotos } from "./support/photos.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const packages = ["packages/torch", "packages/salmask"];

/**
 * A new folder in which both packages are installed from tarballs as npm does it, with the dependencies of this
 * checkout.
 */
async function install(): Promise<string> {
  const folder = await temporaryFolder();
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@salmask"), { recursive: true });
  for (const path of packages) {
    const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: join(root, path),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [{ filename, name }] = JSON.parse(packed);
    mkdirSync(join(modules, name), { recursive: true });
    execFileSync("tar", ["-xzf", join(folder, filename), "-C", join(modules, name), "--strip-components=1"]);
  }
  for (const entry of readdirSync(join(root, "node_modules"))) {
    if (!existsSync(join(modules, entry)))
      symlinkSync(join(root, "node_modules", entry), join(modules, entry));
  }
  return folder;
}

/** The folder of this checkout's addon; an installed package builds its own. */
const build = process.env.SALMASK_TORCH_BUILD ?? resolve(root, "packages/torch/build");

it("can be imported from a packed tarball without side effects, and trains with a method from outside", async () => {
  expect(buildInfo().version).not.toBe("unknown");
  const folder = await install();
  const photos = join(folder, "photos");
  await writePhotos(photos, 16, 16, ["a", "b"]);
  const script = join(folder, "use.mjs");
  copyFileSync(fileURLToPath(new URL("installed.fixture.mjs", import.meta.url)), script);
  const printed = execFileSync(process.execPath, [script, photos, join(folder, "run")], {
    cwd: dirname(script),
    encoding: "utf8",
    env: { ...process.env, SALMASK_TORCH_BUILD: build },
  });
  const { mapsLibtorch, isUnchanged, names, logged, summary } = JSON.parse(printed);
  expect({ mapsLibtorch, isUnchanged }).toEqual({ mapsLibtorch: false, isUnchanged: true });
  expect(names).toEqual(Object.keys(library).sort());
  expect(logged.map(({ compared }: { compared: number }) => compared)).toEqual([1, 2, 3, 4]);
  expect(summary).toMatchObject({ kind: "pretrain", images: 16, epochs: 2, steps: 4 });
  expect(existsSync(summary.weights)).toBe(true);
});
