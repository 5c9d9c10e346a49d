/** `npm run bench -- faults`: kills runs, damages files, fills disks, and counts what does not end as it must. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { kindNames, kindsWith } from "./kinds.js";
import type { PartOptions, PartResult } from "./part.js";

const parts: Readonly<Record<string, () => Promise<{ run(options: PartOptions): Promise<PartResult[]> }>>> = {
  kill: () => import("./kill-part.js"),
  files: () => import("./files-part.js"),
  disk: () => import("./disk-part.js"),
};

function usage(fault: string): never {
  console.error(
    [
      fault,
      "Usage: npm run bench -- faults [--part NAME] [--seed N] [--count SHARE] [--only TEXT] [--keep FOLDER]",
      `Parts: ${Object.keys(parts).join(", ")}; without --part all of them.`,
      "--count 0.1 makes a tenth of the runs and files.",
      `--only takes the kinds of files with TEXT in their names, and no other part: ${kindNames.join(", ")}.`,
      "--keep is where files that fell through are copied to (default: runs/faults).",
    ].join("\n"),
  );
  process.exit(2);
}

function readArguments(args: readonly string[]): { names: readonly string[]; options: PartOptions } {
  const options = {
    part: { type: "string" },
    seed: { type: "string", default: "0" },
    count: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    keep: { type: "string", default: "runs/faults" },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const [seed, share] = [Number(values.seed), Number(values.count)];
    if (!Number.isSafeInteger(seed) || seed < 0)
      usage(`Expected a whole number for --seed, got ${values.seed}`);
    if (!(share > 0 && share <= 100)) usage(`Expected a share above 0 for --count, got ${values.count}`);
    if (kindsWith(values.only).length === 0)
      usage(`Expected a text in a kind's name for --only, got ${values.only}`);
    const every = values.only === "" ? Object.keys(parts) : ["files"];
    const names = values.part === undefined ? every : [values.part];
    if (!names.every((name) => every.includes(name)))
      usage(`Expected ${every.join(" or ")} for --part, got ${values.part}`);
    return { names, options: { seed, share, only: values.only, keep: resolve(values.keep) } };
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

/** Carries out the parts. Prints the count as its last line, and sets exit code 1 where something fell through. */
export async function countFaults(args: readonly string[]): Promise<void> {
  const { names, options } = readArguments(args);
  const results: PartResult[] = [];
  for (const name of names) results.push(...(await (await parts[name]()).run(options)));
  const fallen = results.reduce((sum, result) => sum + result.fallen, 0);
  if (fallen > 0) process.exitCode = 1;
  console.log(`${results.map(({ counted }) => counted).join(", ")}: ${fallen} fell through`);
}
