/** One picture with several objects, for detection: what is drawn, where, and how much of it is still seen. */
import { KeyedRandom } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import { type Box, blend, type Layer, maskOf, poseDrawing, tightBoxOf } from "./compose.js";
import type { Drawing } from "./drawings.js";
import { drawPose, type PictureKey, type PictureKit, paintFragments, recipes, splits } from "./picture.js";
import { paintScene, textures } from "./scene.js";

/** An object of a picture, as far as later objects do not cover it. */
export interface SeenObject {
  /** Number of the class. */
  readonly label: number;
  /** `[size, size]`, 255 where the object is seen, 0 elsewhere. */
  readonly mask: Uint8Array;
  /** Pixels of the mask. */
  readonly area: number;
  /** Tight box of the mask. */
  readonly box: Box;
}

export interface ObjectsPicture {
  /** `[size, size, 3]` */
  readonly rgb: Uint8Array;
  /** In the order in which they were laid; there is at least one. */
  readonly objects: readonly SeenObject[];
}

/** Objects of a picture at most; fewer where no place is left. */
const mostObjects = 6;
/** Pixels of an object's longer side, at least, before others cover it. */
export const leastSide = 16;
/** The longer side's largest share of the picture's. */
const mostShare = 0.45;
/** Share of each object that stays seen, at least. */
const leastSeen = 0.4;
/** Places that are tried for an object before the picture goes without it. */
const attempts = 20;

/** A layer on its place: its upper left corner lies at (left, top). */
interface Placed {
  readonly label: number;
  readonly layer: Layer;
  readonly left: number;
  readonly top: number;
}

/** Which object each pixel of a picture shows. */
class Owners {
  /** `[size, size]`, number of the object on top, -1 for the background. */
  readonly owner: Int8Array;
  private readonly whole: number[] = [];
  private readonly seen: number[] = [];

  constructor(readonly size: number) {
    this.owner = new Int8Array(size * size).fill(-1);
  }

  /** Lays an object on top of all others, unless one of them would be covered too far. */
  lay({ layer, left, top }: Placed): boolean {
    const mask = maskOf(this.size, layer, left, top); // [size, size]
    const covered = this.whole.map(() => 0);
    for (const [pixel, on] of mask.entries())
      if (on > 0 && this.owner[pixel] >= 0) covered[this.owner[pixel]]++;
    if (covered.some((count, i) => this.seen[i] - count < leastSeen * this.whole[i])) return false;
    for (const [i, count] of covered.entries()) this.seen[i] -= count;
    const number = this.whole.length;
    for (const [pixel, on] of mask.entries()) if (on > 0) this.owner[pixel] = number;
    this.whole.push(layer.area);
    this.seen.push(layer.area);
    return true;
  }

  /** What is seen of an object. */
  of(number: number): Omit<SeenObject, "label"> {
    const mask = Uint8Array.from(this.owner, (owner) => (owner === number ? 255 : 0)); // [size, size]
    return { mask, ...tightBoxOf(this.size, (pixel) => mask[pixel] > 0) };
  }
}

/** Draws a whole picture with its objects. The same kit and key give the same bytes. */
export function drawObjects(kit: PictureKit, key: PictureKey): ObjectsPicture {
  const { size, difficulty } = kit;
  const random = new KeyedRandom(key.seed, purpose.embeddedObjects, splits.indexOf(key.split), key.index);
  const recipe = recipes[difficulty];
  const style = { texture: textures[random.integer(textures.length)], hue: random.uniform() };
  const canvas = paintScene(random, size, style, recipe.clutter); // [size, size, 3]
  paintFragments(random, kit, recipe, canvas);
  const wanted = 1 + random.integer(mostObjects);
  const owners = new Owners(size);
  const labels: number[] = [];
  for (let i = 0; i < wanted; i++) {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const placed = placeSomewhere(random, kit);
      if (placed === null || !owners.lay(placed)) continue;
      blend(canvas, size, placed.layer, placed.left, placed.top);
      labels.push(placed.label);
      break;
    }
  }
  return {
    rgb: new Uint8Array(new Uint8ClampedArray(canvas).buffer), // rounded and clamped
    objects: labels.map((label, number) => ({ label, ...owners.of(number) })),
  };
}

/** Any object at any size and place, whole inside the picture; null where it came out smaller than is allowed. */
function placeSomewhere(random: KeyedRandom, { size, difficulty, classes }: PictureKit): Placed | null {
  const label = random.integer(classes.length);
  const drawing: Drawing = classes[label][random.integer(classes[label].length)];
  // Each doubling of the side is as likely as any other: small objects are many, as in photos.
  const side = leastSide * (Math.max(leastSide, mostShare * size) / leastSide) ** random.uniform();
  const pose = drawPose(random, side, recipes[difficulty]);
  const first = poseDrawing(drawing, pose);
  const longest = Math.max(first.box.width, first.box.height);
  // A drawing does not fill its square, so that a second pose brings the object itself to the wanted side.
  const layer = poseDrawing(drawing, { ...pose, side: (pose.side * side) / Math.max(1, longest) });
  const { box } = layer;
  const isFitting =
    Math.max(box.width, box.height) >= leastSide && box.width <= size && box.height <= size && layer.area > 0;
  const [freeX, freeY] = [random.uniform(), random.uniform()];
  if (!isFitting) return null;
  const left = Math.floor(freeX * (size - box.width + 1)) - box.x;
  const top = Math.floor(freeY * (size - box.height + 1)) - box.y;
  return { label, layer, left, top };
}
