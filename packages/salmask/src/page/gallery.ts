/** The views that the encoder compared: a row per photo, with masks and saliency. */
import { make, scrolled } from "./dom.js";
import { shortNumber } from "./format.js";
import type { Tiles, Views } from "./protocol.js";

/** Gives the small pictures inside an element their file. */
export function fromFile<E extends HTMLElement>(element: E, { src }: Tiles): E {
  element.style.setProperty("--tiles", `url(${JSON.stringify(src)})`);
  return element;
}

/** A small picture out of a file with many, which an element around it names. */
export function tile({ side, across }: Tiles, place: number, name: string): HTMLElement {
  const made = make("div", { class: "tile", role: "img", "aria-label": name });
  const [x, y] = [place % across, Math.floor(place / across)];
  made.style.width = `${side}px`;
  made.style.height = `${side}px`;
  made.style.backgroundPosition = `${-x * side}px ${-y * side}px`;
  return made;
}

export function gallery({ step, tiles, columns, photos }: Views, run: string): HTMLElement {
  const rows = photos.map((photo, row) =>
    make(
      "tr",
      {},
      ...columns.map((column, i) =>
        make("td", {}, tile(tiles, row * columns.length + i, `${column} of ${photo}`)),
      ),
      make("th", { scope: "row" }, photo),
    ),
  );
  const heads = [...columns, "file"].map((column) => make("th", { scope: "col" }, column));
  const caption = `What the encoder compared at step ${shortNumber(step)}`;
  return scrolled(
    `Views of ${run}`,
    fromFile(
      make(
        "table",
        { class: "gallery" },
        make("caption", {}, caption),
        make("thead", {}, make("tr", {}, ...heads)),
        make("tbody", {}, ...rows),
      ),
      tiles,
    ),
  );
}
