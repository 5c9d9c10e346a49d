/** `plot.ts FILE.svg ROWS.json...`: draws our speed relative to the peer's, one bar per row with images per second. */
import { readFileSync, writeFileSync } from "node:fs";
import { picture, textAt } from "../packages/salmask/src/base/svg.js";
import type { Row } from "./rows.js";

const layout = { width: 760, left: 330, right: 60, top: 48, bar: 18, step: 30, bottom: 40 };

const title = "Images a second, times those of PyTorch on the same library, threads and photos";

function speedPlot(parts: readonly { name: string; rows: readonly Row[] }[]): string {
  const { width, left, right, top, bar, step, bottom } = layout;
  const bars = parts.flatMap((part) =>
    part.rows.flatMap(({ name, unit, ratio }) =>
      unit === "images/s" && ratio !== null ? [{ label: `${part.name}: ${name}`, ratio }] : [],
    ),
  );
  const height = top + bars.length * step + bottom;
  const most = Math.ceil(Math.max(1, ...bars.map(({ ratio }) => ratio)));
  const x = (value: number) => left + (value / most) * (width - left - right);
  const drawn = bars.map(({ label, ratio }, i) => {
    const y = top + i * step;
    return (
      textAt(left - 10, y + bar - 5, label, 'text-anchor="end"') +
      `<rect x="${left}" y="${y}" width="${(x(ratio) - left).toFixed(1)}" height="${bar}" fill="#1f5fa8"/>` +
      textAt(x(ratio) + 6, y + bar - 5, ratio.toFixed(2))
    );
  });
  const one = x(1).toFixed(1);
  return picture({ width, height, title }, [
    textAt(10, 22, title, 'font-size="14"'),
    ...drawn,
    `<line x1="${one}" x2="${one}" y1="${top - 8}" y2="${height - bottom}" stroke="#c33" stroke-dasharray="4 3"/>`,
    textAt(one, height - bottom + 18, "PyTorch", 'text-anchor="middle"'),
  ]);
}

const [out, ...files] = process.argv.slice(2);
if (out === undefined || files.length === 0) {
  console.error("Usage: npm run bench:plot -- FILE.svg ROWS.json...");
  process.exit(2);
}
const parts = files.map((file) => {
  const rows: Row[] = JSON.parse(readFileSync(file, "utf8"));
  return { name: file.replace(/^.*\//, "").replace(/\.json$/, ""), rows };
});
writeFileSync(out, speedPlot(parts));
