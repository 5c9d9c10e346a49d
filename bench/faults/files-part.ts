import { type Count, countFiles } from "./files.js";
import { kindsWith } from "./kinds.js";
import type { PartOptions, PartResult } from "./part.js";
import { ReadingProcess } from "./reading-process.js";

/** Reads the damaged files of every kind, and prints what became of them. */
export async function run({ seed, share, only, keep }: PartOptions): Promise<PartResult[]> {
  const results: PartResult[] = [];
  for (const { kind, title, files: whole } of kindsWith(only)) {
    const reading = new ReadingProcess();
    const count = await countFiles({
      kind,
      reading,
      files: Math.max(1, Math.round(share * whole)),
      seed,
      keep,
      onFallen: ({ index, how, why, path }) =>
        console.log(`FELL THROUGH: ${kind} ${index}, ${how}: ${why}\n  kept as ${path}`),
    });
    reading.close();
    for (const line of described(count, title)) console.log(line);
    results.push({ counted: `${count.files} ${title}`, fallen: count.fallen.length });
  }
  return results;
}

const sorted = (counts: ReadonlyMap<string, number>) =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");

function described({ files, read, refused, damage, fallen, seconds, peak }: Count, title: string): string[] {
  const total = [...refused.values()].reduce((sum, count) => sum + count, 0);
  return [
    `${title}: ${files} files, ${total} refused, ${read} read, ${fallen.length} fell through; ` +
      `${seconds.toFixed(1)} s and ${(peak / 1e9).toFixed(2)} GB at most`,
    `  refused as: ${sorted(refused)}`,
    `  damage: ${sorted(damage)}`,
  ];
}
