#!/usr/bin/env node
// Builds the addon against the installed libtorch. No node-gyp: the Node-API headers are an npm package and those of
// libtorch are on the machine, so a few compiler calls are enough and nothing is downloaded.
// --sanitize builds with AddressSanitizer and UndefinedBehaviorSanitizer, into a separate folder.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { backends } from "./backends.mjs";
import { findLibtorch } from "./libtorch.mjs";
import { missingForBuild } from "./requirements.mjs";
import { canCompile, compile, compiler, flagsFor, sanitizing } from "./toolchain.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const native = join(root, "native");
const isSanitized = process.argv.includes("--sanitize");
const build = isSanitized ? join(root, "build", "sanitized") : join(root, "build");

function refuse(message) {
  console.error(message);
  process.exit(1);
}

const search = findLibtorch();
const { found } = search;
if (!found) refuse(missingForBuild(search));

const flags = flagsFor(found);
const extra = isSanitized ? sanitizing : [];
const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");
const sources = readdirSync(native, { recursive: true })
  .filter((name) => name.endsWith(".cc"))
  .sort();
/** A file and all of ours that it includes, directly or not. */
function withIncluded(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  const text = readFileSync(join(native, name), "utf8");
  for (const [, included] of text.matchAll(/^#include "(.+)"$/gm))
    withIncluded(normalize(join(dirname(name), included)), seen);
  return seen;
}
const settings = JSON.stringify([found, flags, extra, compiler, process.arch]);
const optional = backends(found);
const hashes = new Map(
  sources.map((name) => {
    const files = [...withIncluded(name)].sort().map((file) => readFileSync(join(native, file)));
    return [name, sha256(settings, JSON.stringify(optional.get(name) ?? null), ...files)];
  }),
);
const stamp = {
  hash: sha256(...hashes.values()),
  version: found.version,
  source: found.source,
  lib: found.lib,
};
const stampPath = join(build, "libtorch.json");
const addon = join(build, "salmask_torch.node");
const isStamped = (path, hash) => existsSync(path) && readFileSync(path, "utf8") === hash;
if (
  existsSync(addon) &&
  existsSync(stampPath) &&
  JSON.parse(readFileSync(stampPath, "utf8")).hash === stamp.hash
) {
  process.exit(0);
}

const missing = missingForBuild(search);
if (missing !== null) refuse(missing);
mkdirSync(build, { recursive: true });
rmSync(stampPath, { force: true });
const started = Date.now();
console.error(`building the addon against libtorch ${found.version} (${found.source}) ...`);
const objectOf = (name) => join(build, `${name}.o`);
// An object file is reused if neither its source nor any header has changed.
const queue = sources.filter((name) => !isStamped(`${objectOf(name)}.hash`, hashes.get(name)));
/** libtorch's headers, which most files begin with: read once, they need not be read for each file. */
const headers = join(build, "libtorch.h");
const readHeaders = async () => {
  const names = ["ATen/ATen.h", "torch/csrc/autograd/custom_function.h", "torch/library.h"];
  writeFileSync(headers, names.map((name) => `#include <${name}>\n`).join(""));
  await compile([...flags.compile, ...extra, "-x", "c++-header", headers, "-o", `${headers}.gch`]);
};
/** They take a third of a gigabyte. */
const removeHeaders = () => {
  for (const file of [headers, `${headers}.gch`]) rmSync(file, { force: true });
};
/** From so many files on it takes less time than it saves. */
const worthReading = 4;
const worker = async () => {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    rmSync(`${objectOf(name)}.hash`, { force: true });
    mkdirSync(dirname(objectOf(name)), { recursive: true });
    const lacking = ["-idirafter", join(native, "distributed/debian")];
    const begins = existsSync(headers) ? ["-include", headers] : [];
    const files = ["-c", join(native, name), "-o", objectOf(name)];
    const command = [...flags.compile, ...extra, ...lacking, ...begins, ...files];
    const more = optional.get(name);
    // Headers of a backend can be there and not fit this libtorch; the file then says so when it is asked for the backend.
    const isWhole = more !== undefined && (await canCompile([...more, ...command]));
    if (!isWhole) await compile(command);
    writeFileSync(`${objectOf(name)}.hash`, hashes.get(name));
  }
};
try {
  if (queue.length >= worthReading) await readHeaders();
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), sources.length) }, worker));
  const temporary = `${addon}.${process.pid}.tmp`;
  await compile(["-shared", ...extra, "-o", temporary, ...sources.map(objectOf), ...flags.link]);
  renameSync(temporary, addon);
  writeFileSync(stampPath, `${JSON.stringify(stamp, null, 2)}\n`);
  console.error(`built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  removeHeaders();
} catch (error) {
  removeHeaders();
  refuse(`@salmask/torch: the addon could not be built: ${error.message}. The compiler's words are above.`);
}
