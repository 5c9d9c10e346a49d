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
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
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
    expect(build({ SALMASK_LIBTORCH: "/nowhere" })).toContain("No libtorch was found");
  },
);

test("a clone that is not built names its own command", () => {
  const folder = temporaryFolder();
  const script = `const { ones } = await import(${JSON.stringify(join(packageRoot, "dist/index.js"))}); ones([1])`;
  const { code, said } = node(["--input-type=module", "-e", script], { SALMASK_TORCH_BUILD: folder });
  expect(code).toBe(1);
  expect(said).toContain("Run: npm run setup");
});
