import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const torch = resolve(import.meta.dirname, "..");

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "salmask-libtorch-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The said text and exit code of a script that runs in a process of its own. */
function node(args: string[], env: Record<string, string> = {}): { code: number | null; said: string } {
  const child = spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, ...env } });
  return { code: child.status, said: child.stdout + child.stderr };
}

/** A libtorch as far as the build looks at it before it compiles. */
function fakeLibtorch(version: readonly [number, number, number]): string {
  const root = temporaryFolder();
  const header = join(root, "include/torch/csrc/api/include/torch");
  mkdirSync(header, { recursive: true });
  mkdirSync(join(root, "lib"));
  const lines = ["MAJOR", "MINOR", "PATCH"].map((part, i) => `#define TORCH_VERSION_${part} ${version[i]}`);
  writeFileSync(join(header, "version.h"), `${lines.join("\n")}\n`);
  writeFileSync(join(root, "lib/libtorch.so"), "");
  return root;
}

test("the build refuses a libtorch that is too old, and says which was expected and which came", () => {
  const root = fakeLibtorch([1, 9, 1]);
  const { code, said } = node([join(torch, "scripts/build.mjs")], { SALMASK_LIBTORCH: root });
  expect(code).toBe(1);
  expect(said).toContain("Expected libtorch 1.13 or later");
  expect(said).toContain(`SALMASK_LIBTORCH=${root} is 1.9.1`);
});

test("the build lists where it looked where the variable names no libtorch", () => {
  const root = temporaryFolder();
  const { code, said } = node([join(torch, "scripts/build.mjs")], { SALMASK_LIBTORCH: root });
  expect(code).toBe(1);
  expect(said).toContain(join(root, "include"));
  expect(said).toContain("apt-get install libtorch-dev");
});

test("an addon whose libtorch is gone says which it was built against, and the command that mends it", () => {
  const copy = join(temporaryFolder(), "torch");
  for (const part of ["dist", "package.json"])
    cpSync(join(torch, part), join(copy, part), { recursive: true });
  symlinkSync(resolve(torch, "../../node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "build"));
  const stamp = { version: "1.13.1", source: "the distribution's libtorch-dev", lib: "/usr/lib/gone" };
  writeFileSync(join(copy, "build/libtorch.json"), JSON.stringify(stamp));
  writeFileSync(join(copy, "build/salmask_torch.node"), "no library");
  const { code, said } = node([
    "--input-type=module",
    "-e",
    `await import(${JSON.stringify(join(copy, "dist/index.js"))})`,
  ]);
  expect(code).toBe(1);
  expect(said).toContain("built against libtorch 1.13.1");
  expect(said).toContain("npm run setup");
});
