/** Parts of all plots, as SVG. */
import { escapedXml } from "./xml.js";

export const colours = ["#1f5fa8", "#c4511d", "#2b8a3e", "#7b3fa0", "#8a6d00", "#0b7285", "#a61e4d"];

/** The largest and the smallest end of intervals, with some room; 0 to 100 if there is none. */
export function limits(ends: readonly number[], room = 1): { low: number; high: number } {
  if (ends.length === 0) return { low: 0, high: 100 };
  const low = Math.floor(Math.min(...ends) / room) * room;
  return { low, high: Math.max(low + room, Math.ceil(Math.max(...ends) / room) * room) };
}

/** Five values from `low` to `high`. */
export const ticks = ({ low, high }: { low: number; high: number }): number[] =>
  Array.from({ length: 5 }, (_, i) => low + (i * (high - low)) / 4);

/** Text at a place, with further attributes. */
export const textAt = (x: number | string, y: number | string, content: string, attributes = ""): string =>
  `<text x="${rounded(x)}" y="${rounded(y)}" ${attributes}>${escapedXml(content)}</text>`;

const rounded = (place: number | string) => (typeof place === "number" ? place.toFixed(1) : place);

/** A white picture of this size around its elements. The title is for those who cannot see it, and is not drawn. */
export function picture(
  { width, height, title }: { readonly width: number; readonly height: number; readonly title: string },
  elements: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width.toFixed(0)}" height="${height.toFixed(0)}" font-family="sans-serif" font-size="12">`,
    `<title>${escapedXml(title)}</title>`,
    `<rect width="${width.toFixed(0)}" height="${height.toFixed(0)}" fill="white"/>`,
    ...elements,
    "</svg>",
    "",
  ].join("\n");
}
