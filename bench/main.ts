/** `npm run bench -- PART [--json FILE]`: measures a part and prints a table; with --json, writes its rows too. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Row, table } from "./rows.js";

// A part is a file that exports `run`.
const parts: Record<string, () => Promise<{ run(): Promise<Row[]> }>> = {
  engine: () => import("./engine.js"),
  methods: () => import("./methods.js"),
};

function usage(fault: string): never {
  console.error(
    `${fault}\nUsage: npm run bench -- PART [--json FILE]\nParts: ${Object.keys(parts).join(", ")}`,
  );
  process.exit(2);
}

function readArguments(): { part: string; json: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: "string" } },
      allowPositionals: true,
    });
    if (positionals.length !== 1) usage(`expected one part, but ${positionals.length} came`);
    return { part: positionals[0], json: values.json };
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

const { part, json } = readArguments();
if (!Object.hasOwn(parts, part)) usage(`expected a part of the benchmark, but ${part} came`);
const { run } = await parts[part]();
const rows = await run();
console.log(table(rows));
if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
