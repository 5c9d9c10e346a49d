import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { node, packageRoot } from "./support/node.js";

const kinds = {
  c10: /of libtorch/,
  std: /of the standard library/,
  memory: /bad_alloc/,
  number: /Native code threw something that is no std::exception\./,
  struct: /Native code threw something that is no std::exception\./,
};

let folder: string;
let addon: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "salmask-throwing-"));
  addon = join(folder, "throwing.node");
  // Uses the addon's own compiler, flags and wrappers.
  const script = `
    import { findLibtorch } from ${JSON.stringify(join(packageRoot, "scripts/libtorch.mjs"))};
    import { compile, flagsFor } from ${JSON.stringify(join(packageRoot, "scripts/toolchain.mjs"))};
    const flags = flagsFor(findLibtorch().found);
    const sources = ["test/support/throwing_addon.cc", "native/napi_util.cc"];
    await compile([...flags.compile, "-shared", "-o", ${JSON.stringify(addon)}, ...sources, ...flags.link]);`;
  const built = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: packageRoot,
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(`expected the addon to be built, got: ${built.stderr}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(Object.entries(kinds))("a C++ exception (%s)", (kind, message) => {
  test("of a call becomes a JavaScript error", () => {
    const { raise } = createRequire(import.meta.url)(addon);
    for (let i = 0; i < 3; i++) expect(() => raise(kind)).toThrow(message);
  });

  test("while the addon starts becomes one too", () => {
    const script = `try { require(${JSON.stringify(addon)}); } catch (error) { console.log("threw", error.message); }`;
    const { code, signal, out } = node(["-e", script], { SALMASK_TEST_THROW: kind });
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(out).toMatch(/^threw /);
    expect(out).toMatch(message);
  });
});
