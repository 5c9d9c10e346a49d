import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { node, temporaryFolder, packageRoot as torch } from "./support/node.js";

/** The files of a libtorch that the build checks before it compiles. */
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

test("the build rejects a libtorch that is too old, with the expected and the found version", () => {
  const root = fakeLibtorch([1, 9, 1]);
  const { code, said } = node([join(torch, "scripts/build.mjs")], { SALMASK_LIBTORCH: root });
  expect(code).toBe(1);
  expect(said).toContain(`expected libtorch 1.13 or later, got 1.9.1 (SALMASK_LIBTORCH=${root})`);
});

test.each([
  ["0", false],
  ["1", true],
  [null, true],
])(
  "a libtorch whose own flags say _GLIBCXX_USE_CXX11_ABI=%s is built against as it says",
  (flag, expected) => {
    const root = fakeLibtorch([2, 5, 0]);
    const folder = join(root, "share/cmake/Torch");
    mkdirSync(folder, { recursive: true });
    const line = `  set(TORCH_CXX_FLAGS "-D_GLIBCXX_USE_CXX11_ABI=${flag}")\n`;
    if (flag !== null) writeFileSync(join(folder, "TorchConfig.cmake"), line);
    const script = `
    const { findLibtorch } = await import(${JSON.stringify(join(torch, "scripts/libtorch.mjs"))});
    console.log(JSON.stringify(findLibtorch().found.cxx11Abi));`;
    const { out, said } = node(["--input-type=module", "-e", script], { SALMASK_LIBTORCH: root });
    expect(JSON.parse(out), said).toBe(expected);
  },
);

test("the build lists where it searched if the variable does not name a libtorch", () => {
  const root = temporaryFolder();
  const { code, said } = node([join(torch, "scripts/build.mjs")], { SALMASK_LIBTORCH: root });
  expect(code).toBe(1);
  expect(said).toContain(join(root, "include"));
  expect(said).toContain("set SALMASK_LIBTORCH to the folder that has its include and lib");
});

test("an addon whose libtorch is gone says which one it was built against, and the command that fixes it", () => {
  const copy = join(temporaryFolder(), "torch");
  for (const part of ["dist", "package.json"])
    cpSync(join(torch, part), join(copy, part), { recursive: true });
  symlinkSync(resolve(torch, "../../node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "build"));
  const stamp = { version: "1.13.1", source: "the distribution's libtorch-dev", lib: "/usr/lib/gone" };
  writeFileSync(join(copy, "build/libtorch.json"), JSON.stringify(stamp));
  writeFileSync(join(copy, "build/salmask_torch.node"), "no library");
  const script = `const torch = await import(${JSON.stringify(join(copy, "dist/index.js"))}); torch.ones([1])`;
  const { code, said } = node(["--input-type=module", "-e", script], { SALMASK_TORCH_BUILD: undefined });
  expect(code).toBe(1);
  expect(said).toContain("built against libtorch 1.13.1");
  expect(said).toContain("npx --no-install salmask-torch-build");
});
