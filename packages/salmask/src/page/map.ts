/** Photos on a plane, near each other where their embeddings are. */
import { colourCount, colourName, styled } from "./colours.js";
import { make } from "./dom.js";
import { shortNumber } from "./format.js";
import { fromFile, tile } from "./gallery.js";
import type { EmbeddingMap } from "./protocol.js";

const size = 520;
/** Of a photo on the map, and the room around all of them, in pixels. */
const thumb = 22;
const margin = thumb;

/** A canvas, on which the pointer and the arrow keys find photos; the one that is found is shown beside it. */
export function embeddingMap(map: EmbeddingMap, run: string): HTMLElement {
  const { photos, tiles, step } = map;
  const labels = [...new Set(photos.flatMap(({ label }) => label ?? []))].sort();
  const found = fromFile(
    make(
      "div",
      { class: "found", "aria-live": "polite" },
      make("p", {}, "Point at a photo, or press an arrow key."),
    ),
    tiles,
  );
  const canvas = make("canvas", {
    width: size,
    height: size,
    tabindex: 0,
    role: "img",
    "aria-label": `Map of ${photos.length} photos of ${run} by their embeddings. Arrow keys go from photo to photo.`,
  });
  const places = photos.map(({ x, y }) => ({
    x: margin + x * (size - 2 * margin),
    y: margin + y * (size - 2 * margin),
  }));
  const picture = new Image();
  let chosen: number | null = null;

  const draw = () => {
    const context = canvas.getContext("2d");
    if (context === null) return;
    context.clearRect(0, 0, size, size);
    const order = photos.map((_, i) => i).filter((i) => i !== chosen);
    for (const i of chosen === null ? order : [...order, chosen]) {
      const side = i === chosen ? 2 * thumb : thumb;
      const [left, top] = [places[i].x - side / 2, places[i].y - side / 2];
      const [x, y] = [i % tiles.across, Math.floor(i / tiles.across)].map((place) => place * tiles.side);
      if (picture.complete && picture.naturalWidth > 0)
        context.drawImage(picture, x, y, tiles.side, tiles.side, left, top, side, side);
      const { label } = photos[i];
      context.strokeStyle = styled(label === null ? "--text" : colourName(labels.indexOf(label)));
      context.lineWidth = i === chosen ? 3 : 2;
      context.strokeRect(left, top, side, side);
    }
  };
  const choose = (i: number) => {
    if (i === chosen) return;
    chosen = i;
    const { name, label } = photos[i];
    found.replaceChildren(tile(tiles, i, name), make("p", {}, label === null ? name : `${name} (${label})`));
    draw();
  };
  const nearest = (x: number, y: number, isAllowed: (i: number) => boolean): number | null => {
    const distance = (i: number) => (places[i].x - x) ** 2 + (places[i].y - y) ** 2;
    const allowed = places.map((_, i) => i).filter(isAllowed);
    return allowed.length === 0
      ? null
      : allowed.reduce((best, i) => (distance(i) < distance(best) ? i : best));
  };

  picture.addEventListener("load", draw);
  picture.src = tiles.src;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(draw));
  canvas.addEventListener("pointermove", (event) => {
    const scale = size / canvas.clientWidth;
    const i = nearest(event.offsetX * scale, event.offsetY * scale, () => true);
    if (i !== null) choose(i);
  });
  canvas.addEventListener("keydown", (event) => {
    const way = directions.get(event.key);
    if (way === undefined) return;
    event.preventDefault();
    const from = chosen === null ? { x: size / 2, y: size / 2 } : places[chosen];
    // Of those in that direction, more ahead than aside.
    const isAhead = (i: number) => {
      const [dx, dy] = [places[i].x - from.x, places[i].y - from.y];
      const ahead = dx * way.x + dy * way.y;
      return ahead > 0 && ahead >= Math.abs(dx * way.y + dy * way.x);
    };
    const i = nearest(from.x, from.y, isAhead);
    if (i !== null) choose(i);
  });
  const caption = `${photos.length} photos at step ${shortNumber(step)}, by UMAP: only neighbours mean something, not distances`;
  const more = labels.length > colourCount ? "; several classes share a colour" : "";
  const named = labels.length === 0 ? "" : `. The frames' colours are classes${more}`;
  return make(
    "figure",
    { class: "map" },
    make("figcaption", {}, `${caption}${named}.`),
    make("div", { class: "map-and-found" }, canvas, found),
  );
}

const directions = new Map([
  ["ArrowLeft", { x: -1, y: 0 }],
  ["ArrowRight", { x: 1, y: 0 }],
  ["ArrowUp", { x: 0, y: -1 }],
  ["ArrowDown", { x: 0, y: 1 }],
]);
