// Builds the addon against the libtorch that is found. No node-gyp: Node-API headers come from npm, libtorch's from
// the machine, so four compiler calls are the whole build and nothing is downloaded.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findLibtorch } from "./libtorch.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const native = join(root, "native");
const build = join(root, "build");
const compiler = process.env.CXX ?? "g++";

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", (error) =>
      reject(new Error(`${command}: ${error.message}. Install it: apt-get install g++`)),
    );
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

const { found, tried } = findLibtorch();
if (!found) {
  console.error(
    `No libtorch was found. Tried:\n  ${tried.join("\n  ")}\nOn Debian: apt-get install libtorch-dev`,
  );
  process.exit(1);
}
const [major, minor] = found.version.split(".").map(Number);
if (major < 1 || (major === 1 && minor < 13)) {
  console.error(`Expected libtorch 1.13 or later, but ${found.source} is ${found.version}.`);
  process.exit(1);
}

const sources = readdirSync(native)
  .filter((name) => name.endsWith(".cc"))
  .sort();
const napi = createRequire(import.meta.url)("node-api-headers").include_dir;
const flags = [
  major > 2 || (major === 2 && minor >= 10) ? "-std=c++20" : "-std=c++17",
  // libtorch's parallel loops are templates that run on one thread where OpenMP is off.
  ...["-O2", "-fopenmp", "-fPIC", "-fvisibility=hidden", "-Wall", "-DNAPI_VERSION=8"],
  `-D_GLIBCXX_USE_CXX11_ABI=${found.cxx11Abi ? 1 : 0}`,
  // Naming /usr/include again would move it ahead of the compiler's own headers.
  ...[napi, ...found.include].filter((dir) => dir !== "/usr/include").flatMap((dir) => ["-isystem", dir]),
];
const libraries = ["torch", "torch_cpu", "c10"];
for (const name of ["torch_cuda", "c10_cuda"])
  if (existsSync(join(found.lib, `lib${name}.so`))) libraries.push(name);
const link = [
  "-fopenmp",
  `-L${found.lib}`,
  `-Wl,-rpath,${found.lib}`,
  "-Wl,--no-as-needed",
  ...libraries.map((l) => `-l${l}`),
];

const hash = createHash("sha256").update(JSON.stringify([found, flags, link, compiler, process.arch]));
for (const name of readdirSync(native).sort()) hash.update(name).update(readFileSync(join(native, name)));
const stamp = { hash: hash.digest("hex"), version: found.version, source: found.source, lib: found.lib };
const stampPath = join(build, "libtorch.json");
const addon = join(build, "salmask_torch.node");
if (
  existsSync(addon) &&
  existsSync(stampPath) &&
  JSON.parse(readFileSync(stampPath, "utf8")).hash === stamp.hash
) {
  process.exit(0);
}

mkdirSync(build, { recursive: true });
rmSync(stampPath, { force: true });
const started = Date.now();
console.error(`building the addon against libtorch ${found.version} (${found.source}) ...`);
const queue = [...sources];
const worker = async () => {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    await run(compiler, [...flags, "-c", join(native, name), "-o", join(build, `${name}.o`)]);
  }
};
try {
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), sources.length) }, worker));
  const temporary = `${addon}.${process.pid}.tmp`;
  await run(compiler, [
    "-shared",
    "-o",
    temporary,
    ...sources.map((name) => join(build, `${name}.o`)),
    ...link,
  ]);
  renameSync(temporary, addon);
  writeFileSync(stampPath, `${JSON.stringify(stamp, null, 2)}\n`);
  console.error(`built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
} catch (error) {
  console.error(`The addon could not be built: ${error.message}`);
  process.exit(1);
}
