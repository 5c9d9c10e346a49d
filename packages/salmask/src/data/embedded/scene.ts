/** Textured backgrounds of the embedded data set: a pattern of two colours, shapes on top of it, and fine grain. */
import type { KeyedRandom } from "@salmask/torch";

/** The patterns; each is a field in [0, 1] that mixes the scene's two colours. */
export const textures = ["gradient", "stripes", "checker", "noise", "blobs"] as const;
export type Texture = (typeof textures)[number];

export interface SceneStyle {
  readonly texture: Texture;
  /** Hue of the first colour, as a share of the full circle. */
  readonly hue: number;
}

/** How complex scenes are. */
export interface Clutter {
  /** Smallest and largest number of shapes. */
  readonly shapes: readonly [number, number];
  /** Largest saturation of a colour, in [0, 1]. */
  readonly saturation: number;
  /** Amplitude of the grain, in levels of 255. */
  readonly grain: number;
}

type Colour = readonly [number, number, number];
type Field = (x: number, y: number) => number;

const clamp01 = (value: number): number => Math.min(1, Math.max(0, value));

/** Red, green and blue in [0, 255] of a hue (share of the circle, any real), saturation and lightness in [0, 1]. */
function colourOf(hue: number, saturation: number, lightness: number): Colour {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number) => {
    const k = (((offset + hue * 12) % 12) + 12) % 12;
    return 255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Value noise on a lattice of `cells` x `cells`, smoothly interpolated. */
function valueNoise(random: KeyedRandom, cells: number): Field {
  const lattice = new Float32Array((cells + 1) * (cells + 1));
  for (let i = 0; i < lattice.length; i++) lattice[i] = random.uniform();
  const smooth = (t: number) => t * t * (3 - 2 * t);
  return (x, y) => {
    const column = Math.min(cells - 1, Math.floor(x * cells));
    const row = Math.min(cells - 1, Math.floor(y * cells));
    const s = smooth(x * cells - column);
    const t = smooth(y * cells - row);
    const at = row * (cells + 1) + column;
    const upper = lattice[at] * (1 - s) + lattice[at + 1] * s;
    const lower = lattice[at + cells + 1] * (1 - s) + lattice[at + cells + 2] * s;
    return upper * (1 - t) + lower * t;
  };
}

/** A square wave with soft edges along a direction, with `periods` periods over the picture's side. */
function wave(random: KeyedRandom, angle: number, periods: number): Field {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const phase = random.uniform();
  return (x, y) => clamp01(0.5 + 1.5 * Math.sin(2 * Math.PI * (periods * (x * cos + y * sin) + phase)));
}

function fieldOf(random: KeyedRandom, texture: Texture): Field {
  const angle = random.uniformIn(0, Math.PI);
  switch (texture) {
    case "gradient": {
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      return (x, y) => clamp01(0.5 + (x - 0.5) * cos + (y - 0.5) * sin);
    }
    case "stripes":
      return wave(random, angle, random.uniformIn(2.5, 7));
    case "checker": {
      const periods = random.uniformIn(1.5, 4);
      const along = wave(random, angle, periods);
      const across = wave(random, angle + Math.PI / 2, periods);
      return (x, y) => {
        const [a, b] = [along(x, y), across(x, y)];
        return a + b - 2 * a * b;
      };
    }
    case "noise": {
      const octaves = [3, 6, 12].map((cells) => valueNoise(random, cells));
      return (x, y) => (4 * octaves[0](x, y) + 2 * octaves[1](x, y) + octaves[2](x, y)) / 7;
    }
    case "blobs": {
      const ground = valueNoise(random, 4 + random.integer(4));
      return (x, y) => clamp01(0.5 + 6 * (ground(x, y) - 0.5));
    }
  }
}

const shapeKinds = ["ellipse", "rectangle", "triangle"] as const;

/** Signed distance to a shape's edge, in units of its half height, negative inside; approximate far from the edge. */
function edgeDistance(kind: (typeof shapeKinds)[number], u: number, v: number): number {
  switch (kind) {
    case "ellipse":
      return Math.hypot(u, v) - 1;
    case "rectangle":
      return Math.max(Math.abs(u), Math.abs(v)) - 1;
    case "triangle":
      return Math.max(0.87 * Math.abs(u) + 0.5 * v, -v) - 0.6;
  }
}

function paintShape(random: KeyedRandom, canvas: Float32Array, size: number, saturation: number): void {
  const kind = shapeKinds[random.integer(shapeKinds.length)];
  const colour = colourOf(random.uniform(), random.uniformIn(0.1, saturation), random.uniformIn(0.2, 0.85));
  const opacity = random.uniformIn(0.55, 1);
  const [x0, y0] = [random.uniform() * size, random.uniform() * size];
  const height = random.uniformIn(0.04, 0.17) * size;
  const width = height * random.uniformIn(0.5, 2);
  const angle = random.uniformIn(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const reach = 1.5 * Math.max(width, height) + 1;
  const [left, right] = [Math.max(0, Math.floor(x0 - reach)), Math.min(size, Math.ceil(x0 + reach))];
  const [top, bottom] = [Math.max(0, Math.floor(y0 - reach)), Math.min(size, Math.ceil(y0 + reach))];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const [dx, dy] = [x + 0.5 - x0, y + 0.5 - y0];
      const distance = edgeDistance(kind, (dx * cos + dy * sin) / width, (dy * cos - dx * sin) / height);
      const cover = opacity * clamp01(0.5 - distance * Math.min(width, height));
      for (let c = 0; c < 3; c++) {
        const at = (y * size + x) * 3 + c;
        canvas[at] += cover * (colour[c] - canvas[at]);
      }
    }
  }
}

/** Paints a background `[size, size, 3]`, values in [0, 255]. The same random stream paints the same scene. */
export function paintScene(
  random: KeyedRandom,
  size: number,
  style: SceneStyle,
  clutter: Clutter,
): Float32Array {
  const hue = style.hue + random.uniformIn(-0.04, 0.04);
  const dark = colourOf(hue, random.uniformIn(0.15, clutter.saturation), random.uniformIn(0.2, 0.5));
  const otherHue = hue + random.uniformIn(-0.2, 0.2);
  const light = colourOf(otherHue, random.uniformIn(0.15, clutter.saturation), random.uniformIn(0.5, 0.85));
  const field = fieldOf(random, style.texture);
  const grain = valueNoise(random, Math.max(1, Math.floor(size / 2)));
  const canvas = new Float32Array(size * size * 3); // [size, size, 3]
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const mix = field((x + 0.5) / size, (y + 0.5) / size);
      for (let c = 0; c < 3; c++) canvas[(y * size + x) * 3 + c] = dark[c] + mix * (light[c] - dark[c]);
    }
  }
  const shapes = clutter.shapes[0] + random.integer(clutter.shapes[1] - clutter.shapes[0] + 1);
  for (let i = 0; i < shapes; i++) paintShape(random, canvas, size, clutter.saturation);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const lift = clutter.grain * (2 * grain((x + 0.5) / size, (y + 0.5) / size) - 1);
      const at = (y * size + x) * 3;
      for (let c = 0; c < 3; c++) canvas[at + c] = Math.min(255, Math.max(0, canvas[at + c] + lift));
    }
  }
  return canvas;
}
