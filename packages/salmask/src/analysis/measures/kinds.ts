/** Photos that a measure changed in several ways. */
import type { Tensor } from "@salmask/torch";
import { spread } from "../../base/spread.js";
import type { MeasureSheet } from "../measured.js";
import { batchOf } from "../pictures/objects.js";

const shownPhotos = 6;

/** A photo in all kinds: `[3, crop, crop]` each, in [0, 1]. */
export interface InKinds<Kind extends string> {
  readonly pictures: Readonly<Record<Kind, Float32Array>>;
}

/** The pictures of one kind at some positions, `[rows, 3, crop, crop]`. */
export const ofKind =
  <Kind extends string>(photos: readonly InKinds<Kind>[], kind: Kind, crop: number) =>
  (rows: Int32Array): Tensor =>
    batchOf(
      Array.from(rows, (row) => photos[row].pictures[kind]),
      crop,
    );

/** A column of each kind, of photos spread over all. */
export function sheetOfKinds<Kind extends string>(
  title: string,
  kinds: readonly Kind[],
  photos: readonly InKinds<Kind>[],
  crop: number,
): MeasureSheet {
  const shown = Array.from(spread(photos.length, shownPhotos), (i) => photos[i]);
  return {
    title,
    columns: kinds.map((kind) => ({
      title: kind,
      pictures: shown.map(({ pictures }) => ({
        kind: "rgb",
        data: pictures[kind],
        height: crop,
        width: crop,
      })),
    })),
  };
}
