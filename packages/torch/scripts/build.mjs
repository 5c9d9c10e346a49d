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
/** Reading libtorch's headers takes ten seconds, so most files are compiled in two units, each of which reads them once. */
const unitCount = 2;
// A macro of a file would hold in the rest of its unit, and a backend has flags of its own.
const isAlone = (name) => optional.has(name) || /^#define/m.test(readFileSync(join(native, name), "utf8"));
const together = sources.filter((name) => !isAlone(name));
const units = [
  ...Array.from({ length: unitCount }, (_, unit) => ({
    name: `unit-${unit}`,
    parts: together.filter((_, i) => i % unitCount === unit),
    backend: null,
  })),
  ...sources.filter(isAlone).map((name) => ({ name, parts: [name], backend: optional.get(name) ?? null })),
].map((unit) => {
  const files = unit.parts.flatMap((name) => [...withIncluded(name)].sort());
  const hash = sha256(
    settings,
    JSON.stringify([unit.backend, unit.parts]),
    ...files.map((file) => readFileSync(join(native, file))),
  );
  return { ...unit, hash, object: join(build, `${unit.name}.o`) };
});
const stamp = {
  hash: sha256(...units.map(({ hash }) => hash)),
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
// An object file is reused if neither its sources nor any header has changed.
const queue = units.filter(({ object, hash }) => !isStamped(`${object}.hash`, hash));
const worker = async () => {
  for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
    const { name, parts, backend, hash, object } = unit;
    rmSync(`${object}.hash`, { force: true });
    mkdirSync(dirname(object), { recursive: true });
    const source = join(build, `${name}.cc`);
    writeFileSync(source, parts.map((part) => `#include "${join(native, part)}"\n`).join(""));
    const lacking = ["-idirafter", join(native, "distributed/debian")];
    const command = [...flags.compile, ...extra, ...lacking, "-c", source, "-o", object];
    // Headers of a backend can be there and not fit this libtorch; the file then says so when it is asked for the backend.
    const isWhole = backend !== null && (await canCompile([...backend.flags, ...command]));
    if (!isWhole) await compile(command);
    writeFileSync(`${object}.hash`, hash);
  }
};
try {
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), units.length) }, worker));
  const temporary = `${addon}.${process.pid}.tmp`;
  await compile(["-shared", ...extra, "-o", temporary, ...units.map(({ object }) => object), ...flags.link]);
  renameSync(temporary, addon);
  writeFileSync(stampPath, `${JSON.stringify(stamp, null, 2)}\n`);
  console.error(`built in ${((Date.now() - started) / 1000).toFixed(0)} s`);
} catch (error) {
  refuse(`@salmask/torch: the addon could not be built: ${error.message}. The compiler's words are above.`);
}
