import type { Plan } from "./plan.js";
import type { TableRow } from "./table.js";

const layout = { width: 640, left: 220, right: 24, top: 44, row: 28, bottom: 36 };

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** One dot with a 95 % interval per row, as SVG. Rows without a result have a name only. */
export function toSvg(plan: Plan, rows: readonly TableRow[]): string {
  const { width, left, right, top, row: step, bottom } = layout;
  const height = top + rows.length * step + bottom;
  const ends = rows.flatMap((row) => {
    const value = row[plan.measure];
    return value === null ? [] : [value.mean - (value.halfWidth ?? 0), value.mean + (value.halfWidth ?? 0)];
  });
  const [low, high] =
    ends.length === 0 ? [0, 100] : [Math.floor(Math.min(...ends)), Math.ceil(Math.max(...ends))];
  const span = Math.max(1, high - low);
  const x = (value: number) => (left + ((value - low) / span) * (width - left - right)).toFixed(1);
  const ticks = Array.from({ length: 5 }, (_, i) => low + (i * span) / 4);
  const axis = ticks.map(
    (tick) =>
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="${top - 8}" y2="${height - bottom}" stroke="#ddd"/>` +
      `<text x="${x(tick)}" y="${height - bottom + 18}" text-anchor="middle">${tick.toFixed(1)}</text>`,
  );
  const marks = rows.map((row, i) => {
    const y = top + (i + 0.5) * step;
    const name = `<text x="${left - 12}" y="${y + 4}" text-anchor="end">${escaped(row.name)}</text>`;
    const value = row[plan.measure];
    if (value === null) return name;
    const half = value.halfWidth ?? 0;
    return (
      `${name}<line x1="${x(value.mean - half)}" x2="${x(value.mean + half)}" y1="${y}" y2="${y}" stroke="#1f5fa8" stroke-width="3"/>` +
      `<circle cx="${x(value.mean)}" cy="${y}" r="5" fill="#1f5fa8"/>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${left}" y="20" font-size="14">${escaped(plan.name)}: ${plan.measure} top-1, %</text>`,
    ...axis,
    ...marks,
    "</svg>",
    "",
  ].join("\n");
}
