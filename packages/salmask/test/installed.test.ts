import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { buildInfo } from "@salmask/torch";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { beforeAll, describe, expect, it } from "vitest";
import * as library from "../src/index.js";
import { writePhotos } from "./support/photos.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const packages = ["packages/torch", "packages/salmask"];

interface Packed {
  readonly name: string;
  readonly tarball: string;
  /** Paths within the package. */
  readonly files: readonly string[];
}

let folder: string;
let packed: Packed[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "salmask-test-"));
  packed = packages.map((path) => {
    const out = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
      cwd: join(root, path),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [{ filename, name, files }] = JSON.parse(out);
    return { name, tarball: join(folder, filename), files: files.map((file: { path: string }) => file.path) };
  });
  return () => rm(folder, { recursive: true, force: true });
});

/** Unpacks both packages into `node_modules` as npm does it, with the dependencies of this checkout. */
function install(): void {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@salmask"), { recursive: true });
  for (const { name, tarball } of packed) {
    mkdirSync(join(modules, name), { recursive: true });
    execFileSync("tar", ["-xzf", tarball, "-C", join(modules, name), "--strip-components=1"]);
  }
  for (const entry of readdirSync(join(root, "node_modules"))) {
    if (!existsSync(join(modules, entry)))
      symlinkSync(join(root, "node_modules", entry), join(modules, entry));
  }
}

describe.each(packages)("the tarball of %s", (path) => {
  const own = () => packed[packages.indexOf(path)];

  it("holds what it needs and no more", () => {
    const { files } = own();
    expect(files).toEqual(
      expect.arrayContaining(["package.json", "README.md", "LICENSE", "dist/index.d.ts"]),
    );
    const kinds = /^(package[.]json|README[.]md|LICENSE|(dist|src|bin|presets|weights|native|scripts)[/].*)$/;
    expect(
      files.filter((file) => !kinds.test(file) || /[.](test|fixture)[.]|tsbuildinfo/.test(file)),
    ).toEqual([]);
    expect(readFileSync(join(root, path, "LICENSE"), "utf8")).toBe(
      readFileSync(join(root, "LICENSE"), "utf8"),
    );
  });

  it("passes publint", async () => {
    const tarball = readFileSync(own().tarball);
    const given = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length);
    const { messages, pkg } = await publint({ pack: { tarball: given }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it("has types that are right for importers; it cannot be required", async () => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(own().tarball)));
    if (result.types === false) throw new Error("expected types, got none");
    const forImporters = result.problems.filter(
      (problem) =>
        !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind)),
    );
    expect(forImporters).toEqual([]);
  });
});

/** The folder of this checkout's addon; an installed package builds its own. */
const build = process.env.SALMASK_TORCH_BUILD ?? resolve(root, "packages/torch/build");

it("can be imported from a packed tarball without side effects, and trains with a method from outside", async () => {
  expect(buildInfo().version).not.toBe("unknown");
  install();
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
