/** `npm run bench -- PART [--json FILE]`: measures a part and prints a table; with --json, writes its rows too. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Options, type Row, table } from "./rows.js";

// A part is a file that exports `run`; those over several networks, and those over photos, take options.
const parts: Record<string, () => Promise<{ run(): Promise<Row[]> }>> = {
  decode: () => import("./decode.js"),
  engine: () => import("./engine.js"),
  gpu: () => import("./gpu.js"),
  methods: () => import("./methods.js"),
};
const photoParts: Record<string, () => Promise<{ run(options: { photos?: string }): Promise<Row[]> }>> = {
  scopes: () => import("./scopes.js"),
};
const networkParts: Record<string, () => Promise<{ run(options: Options): Promise<Row[]> }>> = {
  "end-to-end": () => import("./end-to-end.js"),
  memory: () => import("./memory.js"),
  overhead: () => import("./overhead.js"),
  step: () => import("./step.js"),
};

const names = [networkParts, photoParts, parts].flatMap(Object.keys).sort();

function usage(fault: string): never {
  console.error(
    [
      fault,
      "Usage: npm run bench -- PART [--json FILE] [--only TEXT] [--rounds N] [--photos FOLDER]",
      `Parts: ${names.join(", ")}`,
      `--only (networks with TEXT in their names) and --rounds are for ${Object.keys(networkParts).join(", ")}.`,
      `--photos (real photos in place of drawn ones) is for ${Object.keys(photoParts).join(", ")}.`,
    ].join("\n"),
  );
  process.exit(2);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        json: { type: "string" },
        photos: { type: "string" },
        only: { type: "string" },
        rounds: { type: "string" },
      },
      allowPositionals: true,
    });
    if (positionals.length !== 1) usage(`Expected one part, got ${positionals.length}.`);
    return { part: positionals[0], ...values };
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

function refuse(part: string, given: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) usage(`Expected no --${name} for ${part}, got ${value}.`);
  }
}

async function measure(given: ReturnType<typeof readArguments>): Promise<Row[]> {
  const { part, only, rounds, photos } = given;
  if (Object.hasOwn(networkParts, part)) {
    refuse(part, { photos });
    const count = rounds === undefined ? 5 : Number(rounds);
    if (!Number.isInteger(count) || count < 1)
      usage(`Expected a whole number of rounds from 1, got ${rounds}.`);
    return (await networkParts[part]()).run({ only: only ?? "", rounds: count });
  }
  refuse(part, { only, rounds });
  if (Object.hasOwn(photoParts, part)) return (await photoParts[part]()).run({ photos });
  refuse(part, { photos });
  if (!Object.hasOwn(parts, part)) usage(`Expected a part of the benchmark, got ${part}.`);
  return (await parts[part]()).run();
}

const given = readArguments();
const rows = await measure(given);
console.log(table(rows));
if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(rows, null, 2)}\n`);
