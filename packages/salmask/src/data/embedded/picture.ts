/** One picture of the embedded data set: the object, its position, and the scene. Every decision has its own random key. */
import { KeyedRandom } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import { purpose } from "../../base/purposes.js";
import { type Box, blend, type Layer, maskOf, type Pose, poseDrawing } from "./compose.js";
import { type Drawing, type Hand, hands } from "./drawings.js";
import { type Clutter, paintScene, type SceneStyle, type Texture, textures } from "./scene.js";
import type { Difficulty } from "./settings.js";

export const splits = ["train", "test"] as const;
export type Split = (typeof splits)[number];

/** How pictures of a difficulty are made. */
export interface Recipe {
  /** Least and largest share of the picture's pixels that the object covers. */
  readonly share: readonly [number, number];
  /** Largest rotation in either direction, in degrees. */
  readonly rotation: number;
  /** Largest relative change of a colour channel. */
  readonly colour: number;
  readonly clutter: Clutter;
  /** Fewest and most fragments of other drawings. */
  readonly fragments: readonly [number, number];
  /** Share of train pictures with the scene of their class; undefined if classes have no scene. */
  readonly correlation: number | undefined;
}

export const recipes: Readonly<Record<Difficulty, Recipe>> = {
  demo: {
    share: [0.12, 0.45],
    rotation: 15,
    colour: 0.12,
    clutter: { shapes: [1, 4], saturation: 0.6, grain: 14 },
    fragments: [0, 0],
    correlation: undefined,
  },
  medium: {
    share: [0.08, 0.3],
    rotation: 15,
    colour: 0.15,
    clutter: { shapes: [3, 6], saturation: 0.75, grain: 18 },
    fragments: [2, 4],
    correlation: 0.6,
  },
  hard: {
    share: [0.04, 0.15],
    rotation: 30,
    colour: 0.2,
    clutter: { shapes: [5, 10], saturation: 0.9, grain: 24 },
    fragments: [4, 8],
    correlation: 0.8,
  },
};

export interface PictureKey {
  readonly seed: number;
  readonly split: Split;
  /** Number of the picture in its split, from 0. */
  readonly index: number;
}

/** The settings and drawings from which pictures are made. */
export interface PictureKit {
  readonly size: number;
  readonly difficulty: Difficulty;
  /** `[class][hand]`. */
  readonly classes: readonly (readonly Drawing[])[];
  /** Drawings that belong to no class; the demo has none. */
  readonly distractors: readonly Drawing[];
}

/** The object of a picture: its layer, and the position of the layer's upper left corner. */
export interface PlacedObject {
  readonly label: number;
  readonly hand: Hand;
  readonly layer: Layer;
  readonly left: number;
  readonly top: number;
}

export interface Background {
  /** `[size, size, 3]`, values in [0, 255]. */
  readonly canvas: Float32Array;
  readonly texture: Texture;
  /** The number of the class whose scene this is; undefined if classes have no scene. */
  readonly style: number | undefined;
}

export interface Picture {
  /** `[size, size, 3]` */
  readonly rgb: Uint8Array;
  /** `[size, size]`, 255 on the object, 0 elsewhere. */
  readonly mask: Uint8Array;
  /** Bounding box of the mask. */
  readonly box: Box;
  /** Share of the picture's pixels in the mask. */
  readonly share: number;
  readonly label: number;
  readonly hand: Hand;
  readonly texture: Texture;
  readonly style: number | undefined;
}

const whole = [0, 0, 1, 1] as const;

/** Stream numbers inside a picture: object and background are drawn independently of each other. */
const stream = { object: 0, background: 1 } as const;

function streamOf(key: PictureKey, part: number): KeyedRandom {
  return new KeyedRandom(key.seed, purpose.embedded, splits.indexOf(key.split), key.index, part);
}

/** A turn, a mirror image, a tint and a place between pixels for a drawing, at random. */
export function drawPose(random: KeyedRandom, side: number, recipe: Recipe): Pose {
  const turn = (recipe.rotation * Math.PI) / 180;
  const [low, high] = [1 - recipe.colour, 1 + recipe.colour];
  return {
    side,
    angle: random.uniformIn(-turn, turn),
    mirror: random.uniform() < 0.5,
    gain: [random.uniformIn(low, high), random.uniformIn(low, high), random.uniformIn(low, high)],
    phase: [random.uniform(), random.uniform()],
    part: whole,
  };
}

/**
 * Draws the object of a picture. The class depends on the index; icon set, pose and position are random. The whole
 * object is inside the picture, and its share is within the recipe's limits. Throws DataError (`drawing-does-not-fit`).
 */
export function placeObject(kit: PictureKit, key: PictureKey): PlacedObject {
  const random = streamOf(key, stream.object);
  const recipe = recipes[kit.difficulty];
  const label = key.index % kit.classes.length;
  const hand = random.integer(hands.length);
  const drawing = kit.classes[label][hand];
  const pixels = kit.size * kit.size;
  const [least, most] = recipe.share;
  const target = random.uniformIn(least, most);
  let pose = drawPose(random, Math.sqrt((target * pixels) / drawing.fill), recipe);
  // Rotation and whole pixels change the share slightly, and a slim object may be longer than the picture: a few
  // corrections of the scale fix both.
  for (let attempt = 0; attempt < 10; attempt++) {
    const layer = poseDrawing(drawing, pose);
    const { area, box } = layer;
    const longest = Math.max(box.width, box.height);
    if (longest <= kit.size && area >= least * pixels && area <= most * pixels) {
      const left = random.integer(kit.size - box.width + 1) - box.x;
      const top = random.integer(kit.size - box.height + 1) - box.y;
      return { label, hand: hands[hand], layer, left, top };
    }
    const correction = longest > kit.size ? (kit.size - 0.5) / longest : Math.sqrt((target * pixels) / area);
    pose = { ...pose, side: pose.side * correction };
  }
  throw new DataError(
    "drawing-does-not-fit",
    `Expected ${drawing.hand}'s ${drawing.concept} to cover ${least} to ${most} of a picture of ${kit.size} pixels, got no scale that does. Choose a larger size.`,
  );
}

/** Paints as many parts of other drawings on a canvas `[size, size, 3]` as the recipe asks for. */
export function paintFragments(
  random: KeyedRandom,
  kit: Pick<PictureKit, "size" | "distractors">,
  recipe: Recipe,
  canvas: Float32Array,
): void {
  const [fewest, most] = recipe.fragments;
  const count = fewest + random.integer(most - fewest + 1);
  for (let i = 0; i < count; i++) paintFragment(random, kit, recipe, canvas);
}

function paintFragment(
  random: KeyedRandom,
  kit: Pick<PictureKit, "size" | "distractors">,
  recipe: Recipe,
  canvas: Float32Array,
): void {
  const drawing = kit.distractors[random.integer(kit.distractors.length)];
  const pose = drawPose(random, random.uniformIn(0.35, 0.8) * kit.size, recipe);
  const [x, y] = [random.uniformIn(0.1, 0.5), random.uniformIn(0.1, 0.5)];
  const part = [x, y, x + random.uniformIn(0.25, 0.5), y + random.uniformIn(0.25, 0.5)] as const;
  const layer = poseDrawing(drawing, { ...pose, part, angle: random.uniformIn(0, 2 * Math.PI) });
  const left = random.integer(kit.size) - (layer.side >> 1);
  const top = random.integer(kit.size) - (layer.side >> 1);
  blend(canvas, kit.size, layer, left, top);
}

/** The scene of a class: neighbouring classes have different textures, and classes with the same texture different hues. */
function classScene(style: number): SceneStyle {
  const goldenRatio = 0.618034;
  return { texture: textures[style % textures.length], hue: (style * goldenRatio) % 1 };
}

/** The class whose scene a picture of `label` gets. Train: its own with probability `rate`, otherwise another. Test: any. */
function drawStyle(random: KeyedRandom, split: Split, label: number, classes: number, rate: number): number {
  if (split === "test") return random.integer(classes);
  if (random.uniform() < rate) return label;
  return (label + 1 + random.integer(classes - 1)) % classes;
}

/** Paints the background of a picture of class `label`. */
export function paintBackground(kit: PictureKit, key: PictureKey, label: number): Background {
  const random = streamOf(key, stream.background);
  const recipe = recipes[kit.difficulty];
  const style =
    recipe.correlation === undefined
      ? undefined
      : drawStyle(random, key.split, label, kit.classes.length, recipe.correlation);
  const scene =
    style === undefined
      ? { texture: textures[random.integer(textures.length)], hue: random.uniform() }
      : classScene(style);
  const canvas = paintScene(random, kit.size, scene, recipe.clutter); // [size, size, 3]
  paintFragments(random, kit, recipe, canvas);
  return { canvas, texture: scene.texture, style };
}

/** Draws a whole picture with its mask, box and class. The same kit and key give the same bytes. */
export function drawPicture(kit: PictureKit, key: PictureKey): Picture {
  const { label, hand, layer, left, top } = placeObject(kit, key);
  const { canvas, texture, style } = paintBackground(kit, key, label);
  blend(canvas, kit.size, layer, left, top);
  return {
    rgb: new Uint8Array(new Uint8ClampedArray(canvas).buffer), // rounds and clamps
    mask: maskOf(kit.size, layer, left, top),
    box: { ...layer.box, x: layer.box.x + left, y: layer.box.y + top },
    share: layer.area / (kit.size * kit.size),
    label,
    hand,
    texture,
    style,
  };
}
