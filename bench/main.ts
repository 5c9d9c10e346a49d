/** `npm run bench -- PART [--json FILE]`: measures a part and prints a table; with --json it also writes the rows. */
import { writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runInDebian13 } from "../scripts/debian13.mjs";
import { type Way, ways } from "./in-turn.js";
import { type Options, type Row, table } from "./rows.js";

// A part is a file that exports `run`. Parts with several networks, and parts with photos, accept options.
const parts: Record<string, () => Promise<{ run(): Promise<Row[]> }>> = {
  decode: () => import("./decode.js"),
  engine: () => import("./engine.js"),
  methods: () => import("./methods.js"),
  search: () => import("./search.js"),
  traffic: () => import("./traffic.js"),
};
const photoParts: Record<string, () => Promise<{ run(options: { photos?: string }): Promise<Row[]> }>> = {
  scopes: () => import("./scopes.js"),
};
const networkParts: Record<string, () => Promise<{ run(options: Options): Promise<Row[]> }>> = {
  detect: () => import("./detect.js"),
  "end-to-end": () => import("./end-to-end.js"),
  memory: () => import("./memory.js"),
  overhead: () => import("./overhead.js"),
  ranks: () => import("./ranks.js"),
  step: () => import("./step.js"),
};

const wayParts: Record<
  string,
  () => Promise<{ run(options: { ways: readonly Way[]; rounds: number }): Promise<Row[]> }>
> = {
  gpu: () => import("./gpu.js"),
};

/** Parts that say in their last line whether what they ask holds; the process ends with 1 where it does not. */
const claims: Record<string, () => Promise<{ claim(): Promise<boolean> }>> = {
  export: () => import("./export.js"),
  flat: () => import("./flat.js"),
  shards: () => import("./shards/main.js"),
};

const names = [networkParts, photoParts, wayParts, parts, claims].flatMap(Object.keys).sort();

function usage(fault: string): never {
  console.error(
    [
      fault,
      "Usage: npm run bench -- PART [--json FILE] [--only TEXT] [--rounds N] [--photos FOLDER] [--ways A,B] [--libtorch debian13]",
      `Parts: ${names.join(", ")}; faults and rival have options of their own.`,
      `--only (networks with TEXT in their names) is for ${Object.keys(networkParts).join(", ")}; --rounds also for ${Object.keys(wayParts).join(", ")}.`,
      `--photos (real photos in place of drawn ones) is for ${Object.keys(photoParts).join(", ")}.`,
      `--ways (how PyTorch may compute: ${ways.join(", ")}) is for ${Object.keys(wayParts).join(", ")}.`,
      "--libtorch debian13 measures both sides on Debian 13's libtorch and PyTorch, in a folder of its own; it needs root.",
    ].join("\n"),
  );
  process.exit(2);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        json: { type: "string" },
        libtorch: { type: "string" },
        only: { type: "string" },
        photos: { type: "string" },
        rounds: { type: "string" },
        ways: { type: "string" },
      },
      allowPositionals: true,
    });
    if (positionals.length !== 1) usage(`Expected one part, got ${positionals.length}`);
    const [part] = positionals;
    if (!names.includes(part)) usage(`Expected a part of the benchmark, got ${part}`);
    const { libtorch } = values;
    if (libtorch !== undefined && libtorch !== "debian13") {
      usage(`Expected --libtorch debian13, got ${libtorch}`);
    }
    return { part, ...values };
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

function refuse(part: string, given: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) usage(`Expected no --${name} for ${part}, got ${value}`);
  }
}

function waysOf(given: string | undefined): readonly Way[] {
  if (given === undefined) return ways;
  const wanted = given.split(",");
  const found = ways.filter((way) => wanted.includes(way));
  if (found.length < wanted.length) usage(`Expected --ways to be of ${ways.join(", ")}, got ${given}`);
  return found;
}

async function measure(given: ReturnType<typeof readArguments>): Promise<Row[]> {
  const { part, only, rounds, photos } = given;
  const count = rounds === undefined ? 5 : Number(rounds);
  if (!Number.isInteger(count) || count < 1) usage(`Expected a whole number of rounds from 1, got ${rounds}`);
  if (Object.hasOwn(wayParts, part)) {
    refuse(part, { only, photos });
    return (await wayParts[part]()).run({ ways: waysOf(given.ways), rounds: count });
  }
  refuse(part, { ways: given.ways });
  if (Object.hasOwn(networkParts, part)) {
    refuse(part, { photos });
    return (await networkParts[part]()).run({ only: only ?? "", rounds: count });
  }
  refuse(part, { only, rounds });
  if (Object.hasOwn(photoParts, part)) return (await photoParts[part]()).run({ photos });
  refuse(part, { photos });
  return (await parts[part]()).run();
}

/** Measures in a process with the same arguments on Debian 13; the folders that they name are mounted there. */
function measureOnDebian13({ part, json, only, photos, rounds }: ReturnType<typeof readArguments>): void {
  const command = ["node", "--import", "tsx", "bench/main.ts", part];
  const mounts: [string, string][] = [];
  if (json !== undefined) {
    mounts.push([dirname(resolve(json)), "/mnt/json"]);
    command.push("--json", join("/mnt/json", basename(json)));
  }
  if (photos !== undefined) {
    mounts.push([resolve(photos), "/mnt/photos"]);
    command.push("--photos", "/mnt/photos");
  }
  if (only !== undefined) command.push("--only", only);
  if (rounds !== undefined) command.push("--rounds", rounds);
  runInDebian13(command, mounts);
}

// Parts with options of their own: faults are counted, and the rival is trained to the end.
if (process.argv[2] === "faults") {
  await (await import("./faults/main.js")).countFaults(process.argv.slice(3));
  process.exit();
}
if (process.argv[2] === "rival") {
  await (await import("./rival/main.js")).compareWithRival(process.argv.slice(3));
  process.exit();
}
const given = readArguments();
if (Object.hasOwn(claims, given.part)) {
  const { part, ...others } = given;
  refuse(part, others);
  process.exitCode = (await (await claims[part]()).claim()) ? 0 : 1;
} else if (given.libtorch === undefined) {
  const rows = await measure(given);
  console.log(table(rows));
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(rows, null, 2)}\n`);
} else {
  measureOnDebian13(given);
}
