// Runs the design of docs/evidence.md, or a part of it. The same command goes on where it stopped.
// Results that are kept in experiments/evidence/SCALE.jsonl are not made again, and new ones are added there.
// Usage, in the repository: npm run evidence -- --scale small|photos [--row NAME]... [--minutes M] [--out DIR] [--jobs J] [--photos SET] [--anew] [--write]
// --row runs these rows alone; --minutes stops by itself after that time; --out holds the runs and the decisions, runs/evidence-SCALE by
// default; --jobs is the number of runs at once, one a core by default; --photos is a folder with train and val (or test), or a .tar.gz of one;
// --anew runs everything here, whatever is kept; --write also takes the table and the decisions into docs/evidence.md.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const salmask = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages/salmask/bin/salmask.js");
const text = { type: "string" };
const { scale, row, minutes, out, jobs, photos, anew, write } = options();
const design = join("experiments/evidence", `${scale}.yaml`);
const scales = ["small", "photos"];
if (!scales.includes(scale)) fail(`Expected --scale ${scales.join(" or ")}, got ${scale ?? "none"}.`);
const folder = out ?? join("runs", `evidence-${scale}`);

const args = ["experiment", design, "--out", folder, "--jobs", jobs ?? String(availableParallelism())];
if (!anew) args.push("--results", join("experiments/evidence", `${scale}.jsonl`));
for (const name of row ?? []) args.push("--row", name);
if (minutes !== undefined) args.push("--stop-after", `${minutes}m`);
if (scale === "photos") {
  const set = openSet();
  args.push("--photos", join(set, "train"), "--probe", set);
}
const status = await run(args);
if (write && existsSync(join(folder, "decisions.md"))) takeIntoPage();
process.exitCode = status;

function options() {
  try {
    return parseArgs({
      options: {
        ...{ scale: text, minutes: text, out: text, jobs: text, photos: text },
        row: { type: "string", multiple: true },
        anew: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    fail(error.message);
  }
}

/** The folder of the labelled photos; an archive is unpacked once, into the folder of the runs. */
function openSet() {
  if (photos === undefined || !existsSync(photos))
    fail(
      `Expected Imagenette for --photos, a folder with train and val or its .tar.gz, got ${photos ?? "none"}.`,
    );
  if (!photos.endsWith(".tar.gz")) return photos;
  const unpacked = join(folder, "photos");
  if (existsSync(unpacked)) return unpacked;
  const unfinished = `${unpacked}.tmp`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const { status } = spawnSync("tar", ["xzf", photos, "--strip-components=1", "-C", unfinished], {
    stdio: "inherit",
  });
  if (status !== 0) fail(`Expected an archive that tar can unpack at ${photos}, got status ${status}.`);
  renameSync(unfinished, unpacked);
  return unpacked;
}

/** Runs a command of salmask. An interrupt ends it with a checkpoint, and this process with it. */
function run(command) {
  const child = spawn(process.execPath, [salmask, ...command], { stdio: "inherit" });
  process.on("SIGINT", () => {}); // The terminal sends it to both.
  process.on("SIGTERM", () => child.kill("SIGINT"));
  return new Promise((done) => child.on("close", (code) => done(code ?? 1)));
}

function takeIntoPage() {
  const page = "docs/evidence.md";
  const [from, to] = [`<!-- result of ${scale} -->`, `<!-- end of result of ${scale} -->`];
  const before = readFileSync(page, "utf8");
  const [start, end] = [before.indexOf(from), before.indexOf(to)];
  if (start < 0 || end < start)
    fail(`Expected ${from} and ${to} in ${page}, which the result stands between.`);
  const [table, decisions] = ["table.md", "decisions.md"].map((file) =>
    readFileSync(join(folder, file), "utf8").trim(),
  );
  const rows = table.slice(table.indexOf("\n|") + 1);
  writeFileSync(page, `${before.slice(0, start)}${from}\n\n${decisions}\n\n${rows}\n\n${before.slice(end)}`);
  console.log(`${page} has the result of ${scale}.`);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
