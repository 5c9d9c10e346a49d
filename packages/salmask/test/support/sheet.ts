import sharp from "sharp";

/** A colour, 0 to 255 each. */
export type Colour = readonly [red: number, green: number, blue: number];

/** A decoded picture sheet. Its tiles have a distance of 116 pixels and are below a line of titles. */
export interface DecodedSheet {
  width: number;
  height: number;
  /** The colour in a tile at a position in it, both coordinates 0 to 1. */
  at(column: number, row: number, y: number, x: number): Colour;
}

export async function readSheet(path: string): Promise<DecodedSheet> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (column: number, row: number, y: number, x: number): Colour => {
    const top = 22 + 116 * row + Math.floor(112 * y);
    const left = 4 + 116 * column + Math.floor(112 * x);
    const start = 3 * (top * info.width + left);
    return [data[start], data[start + 1], data[start + 2]];
  };
  return { width: info.width, height: info.height, at };
}

/** The largest difference of a channel. */
export function difference(a: Colour, b: Colour): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])));
}
