import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { node, packageRoot, temporaryFolder } from "./support/node.js";

/** Node can be there without npm, as in the kit for a GPU. */
const hasNpm = spawnSync("npm", ["--version"], { stdio: "ignore" }).status === 0;

/** A folder in which the packed package is installed as npm does it, with the dependencies of this checkout. */
function install(): string {
  const folder = temporaryFolder();
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: packageRoot,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }] = JSON.parse(packed);
  const installed = join(folder, "node_modules/@salmask/torch");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, filename), "-C", installed, "--strip-components=1"]);
  symlinkSync(
    resolve(packageRoot, "../../node_modules/node-api-headers"),
    join(folder, "node_modules/node-api-headers"),
  );
  const { bin } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  mkdirSync(join(folder, "node_modules/.bin"));
  for (const [name, path] of Object.entries<string>(bin))
    symlinkSync(join("../@salmask/torch", path), join(folder, "node_modules/.bin", name));
  return folder;
}

test.skipIf(!hasNpm)(
  "an installed package that is not built names an existing command that builds it",
  () => {
    const folder = install();
    const main = join(folder, "node_modules/@salmask/torch/dist/index.js");
    const used = node(
      ["--input-type=module", "-e", `const { ones } = await import(${JSON.stringify(main)}); ones([1])`],
      { SALMASK_TORCH_BUILD: undefined },
    );
    expect(used.code).toBe(1);
    const command = /Run: (npx --no-install \S+)/.exec(used.said)?.[1] ?? "none";
    expect(used.said).toContain(
      `Expected the built addon in ${join(dirname(dirname(main)), "build")}, got no such build.`,
    );

    // npm's install script, without a compiler or a Python on the PATH: one message says all.
    const path = join(folder, "bin");
    mkdirSync(path);
    symlinkSync(process.execPath, join(path, "node"));
    const { scripts } = JSON.parse(
      readFileSync(join(folder, "node_modules/@salmask/torch/package.json"), "utf8"),
    );
    const refused = spawnSync("/bin/sh", ["-c", scripts.install], {
      cwd: join(folder, "node_modules/@salmask/torch"),
      encoding: "utf8",
      env: { PATH: path, SALMASK_LIBTORCH: "/nowhere" },
    });
    expect(refused.status).toBe(1);
    expect(refused.stdout).toBe("");
    expect(refused.stderr.split("\n").slice(0, 2)).toEqual([
      "@salmask/torch: its addon cannot be built on this machine.",
      "  compiler: expected a C++ compiler, got g++, as the variable CXX names none: it cannot be started (ENOENT)",
    ]);
    expect(refused.stderr).toContain("no /nowhere/include/torch/csrc/api/include/torch/version.h");
    expect(refused.stderr).toMatch(/apt-get install \S+ \S+ g[+][+]|Install g[+][+]/);
    expect(refused.stderr).toContain("set SALMASK_LIBTORCH to the folder");

    // A libtorch that does not exist: the command runs and searches for one, which is enough for this test.
    const build = (env: Record<string, string>) => {
      try {
        return execFileSync("sh", ["-c", `${command} 2>&1`], {
          cwd: folder,
          encoding: "utf8",
          env: { ...process.env, ...env },
        });
      } catch (error) {
        return String(Reflect.get(Object(error), "stdout"));
      }
    };
    expect(build({ SALMASK_LIBTORCH: "/nowhere" })).toContain("no libtorch was found");
  },
);

test("a clone that is not built names its own command, and npm ci builds nothing there", () => {
  const installed = node([join(packageRoot, "scripts/install.mjs")], { SALMASK_LIBTORCH: "/nowhere" });
  expect(installed).toMatchObject({ code: 0, said: "" });
  const folder = temporaryFolder();
  const script = `const { ones } = await import(${JSON.stringify(join(packageRoot, "dist/index.js"))}); ones([1])`;
  const { code, said } = node(["--input-type=module", "-e", script], { SALMASK_TORCH_BUILD: folder });
  expect(code).toBe(1);
  expect(said).toContain("Run: npm run setup");
});
