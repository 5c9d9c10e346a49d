// Prepares a fresh clone: system packages, npm packages, the addon, the compiled TypeScript. Plain Node without
// dependencies, because it runs before any are installed. Quick if nothing is left to do.
import { spawn } from "node:child_process";
import { once } from "node:events";
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

/** Throws where the command fails. */
async function step(name, command, args, mend) {
  const started = Date.now();
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    // The CPU library is part of ONNX Runtime's package. Its install script would also download the one for CUDA.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
  const [status, error] = await once(child, "close").then(
    ([code]) => [code, null],
    (reason) => [null, reason],
  );
  if (status !== 0) throw new Error(`${name} failed${error ? `: ${error.message}` : ""}. ${mend}`);
  const seconds = (Date.now() - started) / 1000;
  if (seconds > 1) console.error(`setup: ${name}, ${seconds.toFixed(0)} s`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const isOld = major < 20 || major === 21 || (major === 20 && minor < 15) || (major === 22 && minor < 2);
  if (isOld) fail(`expected Node 20.15, 22.2 or later, but ${process.version} runs this.`);
}

async function installSystemPackages(purpose) {
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
  await step("refreshing the package lists", "apt-get", ["update", "-q"], mend);
  await step(
    `installing ${list}`,
    "apt-get",
    ["install", "-qq", "-y", "--no-install-recommends", ...missing],
    mend,
  );
}

function hasOwnLibtorch() {
  return Boolean(process.env.SALMASK_LIBTORCH) || pythonWithTorch("python3") !== null;
}

async function installNpmPackages() {
  const stamp = join(root, "node_modules/.package-lock.json");
  const lock = join(root, "package-lock.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  if (existsSync(stamp) && sameLock(lock, stamp)) return;
  await step("installing the npm packages", "npm", ["ci"], "Run: npm ci");
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

const node = (name, args, mend) => step(name, "node", args, mend);
/** At once, so that no core is idle at the end of one. A command that goes on would be in the way of the next call's. */
async function build() {
  const ends = await Promise.allSettled([
    node("building the addon", ["packages/torch/scripts/build.mjs"], "See the compiler's message above."),
    node("compiling", ["node_modules/typescript/bin/tsc", "-b"], "Run: npx tsc -b"),
    node("bundling the page", ["packages/salmask/scripts/build-page.mjs"], "Run: npm run build:page"),
  ]);
  for (const { reason } of ends) if (reason !== undefined) throw reason;
}

try {
  await installSystemPackages(purpose);
  await installNpmPackages();
  await build();
} catch (error) {
  fail(error.message);
}
