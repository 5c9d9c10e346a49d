// Prepares a fresh clone: system packages, npm packages, the addon, the compiled TypeScript. Plain Node without
// dependencies, because it runs before any are installed. Quick if nothing is left to do.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { missingPackages, neededPackages, pythonWithTorch } from "./setup/packages.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const purposes = ["run", "test", "bench"];

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

function step(name, command, args, mend) {
  const started = Date.now();
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    // The CPU library is part of ONNX Runtime's package. Its install script would also download the one for CUDA.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
  if (status !== 0) fail(`${name} failed${error ? `: ${error.message}` : ""}. ${mend}`);
  const seconds = (Date.now() - started) / 1000;
  if (seconds > 1) console.error(`setup: ${name}, ${seconds.toFixed(0)} s`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const isOld = major < 20 || major === 21 || (major === 20 && minor < 15) || (major === 22 && minor < 2);
  if (isOld) fail(`expected Node 20.15, 22.2 or later, but ${process.version} runs this.`);
}

function installSystemPackages(purpose) {
  if (!existsSync("/usr/bin/dpkg-query")) {
    console.error(
      "setup: this is not Debian; a C++ compiler and libtorch have to be there (see README, Requirements)",
    );
    return;
  }
  const missing = missingPackages(neededPackages(purpose, { hasLibtorch: hasOwnLibtorch() }));
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (process.getuid?.() !== 0) {
    fail(
      `these packages are missing: ${list}. Run this, then the same command again:\n` +
        `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${list}`,
    );
  }
  const mend = `Run: apt-get update && apt-get install -y --no-install-recommends ${list}`;
  step("refreshing the package lists", "apt-get", ["update", "-q"], mend);
  step(
    `installing ${list}`,
    "apt-get",
    ["install", "-qq", "-y", "--no-install-recommends", ...missing],
    mend,
  );
}

function hasOwnLibtorch() {
  return Boolean(process.env.SALMASK_LIBTORCH) || pythonWithTorch("python3") !== null;
}

function installNpmPackages() {
  const stamp = join(root, "node_modules/.package-lock.json");
  const lock = join(root, "package-lock.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  if (existsSync(stamp) && sameLock(lock, stamp)) return;
  step("installing the npm packages", "npm", ["ci"], "Run: npm ci");
}

/** Whether the installed packages are those of the lock file, independent of file times. */
function sameLock(lock, stamp) {
  const packages = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
  const [wanted, installed] = [packages(lock), packages(stamp)];
  return Object.entries(wanted).every(
    ([name, { version, optional }]) => name === "" || optional || installed[name]?.version === version,
  );
}

const flag = process.argv.indexOf("--for");
const purpose = flag < 0 ? "test" : process.argv[flag + 1];
if (!purposes.includes(purpose)) fail(`expected --for ${purposes.join(", ")}, but ${purpose} came.`);
checkNode();
installSystemPackages(purpose);
installNpmPackages();
step("building the addon", "node", ["packages/torch/scripts/build.mjs"], "See the compiler's message above.");
step("compiling", "node", ["node_modules/typescript/bin/tsc", "-b"], "Run: npx tsc -b");
step("bundling the page", "node", ["packages/salmask/scripts/build-page.mjs"], "Run: npm run build:page");
