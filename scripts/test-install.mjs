// Installs both packages from their tarballs into an empty folder as people do, which builds the addon there, and trains with the
// installed library: `npm run test:install`. npm takes the dependencies from its cache where it has them.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "salmask-install-"));
const run = (command, args, options) =>
  execFileSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    cwd: folder,
    ...options,
    // The CPU library is part of ONNX Runtime's package. Its install script would also download the one for CUDA.
    env: { ...process.env, SALMASK_TORCH_BUILD: undefined, ONNXRUNTIME_NODE_INSTALL: "skip" },
  });

try {
  const tarballs = ["packages/torch", "packages/salmask"].map((path) => {
    const [{ filename }] = JSON.parse(
      run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
        cwd: join(root, path),
      }),
    );
    return join(folder, filename);
  });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "user", private: true, type: "module" }),
  );
  run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--foreground-scripts", ...tarballs]);

  const salmask = join(folder, "node_modules/.bin/salmask");
  run(salmask, [
    "data",
    "embedded",
    "photos",
    "--train",
    "16",
    "--test",
    "2",
    "--size",
    "32",
    "--classes",
    "2",
  ]);
  copyFileSync(join(root, "packages/salmask/test/installed.fixture.mjs"), join(folder, "use.mjs"));
  const { summary } = JSON.parse(run(process.execPath, ["use.mjs", "photos/train", "run"]));
  if (summary.images !== 16 || summary.steps !== 4)
    throw new Error(`Expected 4 steps on 16 photos, got ${JSON.stringify(summary)}.`);
  console.error("Installed from tarballs, built, and trained.");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
