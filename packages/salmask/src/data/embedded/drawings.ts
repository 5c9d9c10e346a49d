/**
 * The drawings of the embedded data set: emoji from three icon sets on npm, so each concept is drawn in three styles.
 * sharp renders each drawing once; smaller sizes are averages, so that drawing a picture needs no renderer.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import sharp from "sharp";
import { DataError } from "../../base/errors.js";

/** The icon sets (packages under `@iconify-json`). Each is one style, called a hand. */
export const hands = ["noto", "fluent-emoji-flat", "fluent-emoji"] as const;
export type Hand = (typeof hands)[number];

/** Class names, which are icon names in all three sets. The first `classes` of them are used. */
export const concepts = [
  "red-apple",
  "banana",
  "soccer-ball",
  "cactus",
  "sailboat",
  "automobile",
  "umbrella",
  "penguin",
  "pizza",
  "sunflower",
  "butterfly",
  "frog",
  "mushroom",
  "rocket",
  "key",
  "tulip",
  "guitar",
  "evergreen-tree",
  "teapot",
  "camera",
] as const;

/** Drawings that belong to no class. Their fragments are the clutter of hard pictures. */
export const distractors = [
  "hamburger",
  "strawberry",
  "alarm-clock",
  "grapes",
  "carrot",
  "teddy-bear",
  "bus",
  "turtle",
  "lady-beetle",
  "octopus",
] as const;

/** One size of a drawing: `[side, side, 4]`, red, green, blue times alpha in [0, 255], then alpha in [0, 1]. */
export interface DrawingLevel {
  readonly side: number;
  readonly pixels: Float32Array;
}

export interface Drawing {
  readonly concept: string;
  readonly hand: Hand;
  /** Largest first; each has half the side of the one before. */
  readonly levels: readonly DrawingLevel[];
  /** Share of the drawing's square where alpha is above 0.5. */
  readonly fill: number;
}

interface IconSet {
  readonly width?: number;
  readonly height?: number;
  readonly icons: Readonly<Record<string, Icon | undefined>>;
}

interface Icon {
  readonly body: string;
  readonly left?: number;
  readonly top?: number;
  readonly width?: number;
  readonly height?: number;
}

const resolver = createRequire(import.meta.url);
const smallestLevel = 8;

async function readPackageFile<T>(hand: Hand, name: string): Promise<T> {
  try {
    return JSON.parse(await readFile(resolver.resolve(`@iconify-json/${hand}/${name}`), "utf8"));
  } catch (cause) {
    throw new DataError(
      "drawings-missing",
      `Expected the drawings of the package @iconify-json/${hand}, got no ${name} that can be read. Run npm install.`,
      cause,
    );
  }
}

/** What has been read of each icon set: the largest is 100 MB of text, which takes a second, and few of its icons are ever drawn. */
const setsRead = new Map<Hand, IconSet>();

async function iconSet(hand: Hand): Promise<IconSet> {
  const before = setsRead.get(hand);
  if (before !== undefined) return before;
  const { icons, width, height } = await readPackageFile<IconSet>(hand, "icons.json");
  const wanted = [...concepts, ...distractors].map((name) => [name, icons[name]] as const);
  const set = { width, height, icons: Object.fromEntries(wanted) };
  setsRead.set(hand, set);
  return set;
}

/** The installed version of each icon set. Pictures have the same bytes as long as these are the same. */
export async function drawingVersions(): Promise<Record<Hand, string>> {
  const version = async (hand: Hand) =>
    (await readPackageFile<{ version: string }>(hand, "package.json")).version;
  const [noto, flat, fluent] = await Promise.all(hands.map(version));
  return { noto, "fluent-emoji-flat": flat, "fluent-emoji": fluent };
}

/** The icon as an SVG document of `side` x `side` pixels. The size of the icon itself has priority over that of its set. */
function svgOf(set: IconSet, icon: Icon, side: number): string {
  const width = icon.width ?? set.width ?? 16;
  const height = icon.height ?? set.height ?? 16;
  const frame = `${icon.left ?? 0} ${icon.top ?? 0} ${width} ${height}`;
  const namespaces = `xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`;
  return `<svg ${namespaces} width="${side}" height="${side}" viewBox="${frame}">${icon.body}</svg>`;
}

/** Halves the side: each pixel is the mean of four, which is correct because colours are multiplied by alpha. */
function halve({ side, pixels }: DrawingLevel): DrawingLevel {
  const half = side / 2;
  const mean = new Float32Array(half * half * 4);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const corner = (2 * y * side + 2 * x) * 4;
      for (let c = 0; c < 4; c++) {
        const upper = pixels[corner + c] + pixels[corner + 4 + c];
        const lower = pixels[corner + side * 4 + c] + pixels[corner + side * 4 + 4 + c];
        mean[(y * half + x) * 4 + c] = (upper + lower) / 4;
      }
    }
  }
  return { side: half, pixels: mean };
}

async function render(set: IconSet, hand: Hand, concept: string, side: number): Promise<Drawing> {
  const icon = set.icons[concept];
  if (icon === undefined) {
    throw new DataError(
      "drawing-missing",
      `Expected an icon "${concept}" in @iconify-json/${hand}, got none. Run npm install.`,
    );
  }
  const straight = await sharp(Buffer.from(svgOf(set, icon, side)))
    .ensureAlpha()
    .raw()
    .toBuffer();
  const pixels = new Float32Array(side * side * 4);
  let opaque = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const alpha = straight[i + 3] / 255;
    for (let c = 0; c < 3; c++) pixels[i + c] = straight[i + c] * alpha;
    pixels[i + 3] = alpha;
    if (alpha > 0.5) opaque++;
  }
  const levels: DrawingLevel[] = [{ side, pixels }];
  while (levels[levels.length - 1].side > smallestLevel) levels.push(halve(levels[levels.length - 1]));
  return { concept, hand, levels, fill: opaque / (side * side) };
}

/**
 * Renders {@link concepts} and {@link distractors} from every icon set: `drawings[name][hand]` in the order of `names` and {@link hands}. The
 * side of the largest level is the smallest power of two of at least `side` pixels. Throws DataError
 * (`drawings-missing`, `drawing-missing`).
 */
export async function loadDrawings(names: readonly string[], side: number): Promise<Drawing[][]> {
  const top = 2 ** Math.ceil(Math.log2(Math.max(side, smallestLevel)));
  const byConcept: Drawing[][] = names.map(() => []);
  // One set at a time, so that the text of one alone is in memory.
  for (const hand of hands) {
    const set = await iconSet(hand);
    const drawn = await Promise.all(names.map((name) => render(set, hand, name, top)));
    for (const [i, drawing] of drawn.entries()) byConcept[i].push(drawing);
  }
  return byConcept;
}
