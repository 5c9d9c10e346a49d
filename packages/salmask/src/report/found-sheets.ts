/** Picture sheets of photos that were found: neighbours of queries, and groups of duplicates. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Tensor } from "@salmask/torch";
import { DataError } from "../base/errors.js";
import type { Report } from "../base/events.js";
import type { PackedDataset } from "../data/store/dataset.js";
import { openPhotos } from "../data/store/open-photos.js";
import { photoInMemory } from "../data/store/photo-in-memory.js";
import { denormalize } from "../image/show.js";
import type { Duplicate, DuplicatesResult } from "../tasks/search/duplicates.js";
import type { PhotoSource, SearchResult } from "../tasks/search/search.js";
import { centralView } from "../views/draw.js";
import { renderView } from "../views/render.js";
import { drawSheet, type SheetColumn } from "./sheet.js";

export interface FoundSheetOptions {
  /** The PNG to write. */
  readonly out: string;
  /** Rows that are drawn at most. */
  readonly rows: number;
  /** Folder of the packed photos. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Side of a picture in pixels. */
const side = 112;
/** Photos of a group that are drawn at most. */
const mostOfGroup = 12;
const caption = (similarity: number) => similarity.toFixed(3);

/** Photos that are drawn, with the words below them. */
interface Cell {
  readonly photos: PackedDataset;
  readonly path: string;
  readonly caption: string;
}

/** Draws queries with their neighbours, a row per query. Throws DataError where the photos are no longer there. */
export async function sheetOfSearch(
  { queries, searched, found }: SearchResult,
  options: FoundSheetOptions,
): Promise<void> {
  const shown = found.slice(0, options.rows);
  const bank = await openFound(searched, options);
  try {
    const [first] = shown;
    const asked =
      found.length === 1 && (await isFile(queries, first.query))
        ? await photoInMemory(queries.path, first.query, queries.size)
        : await openFound(queries, options);
    try {
      const rows = shown.map(({ query, neighbours }) => [
        { photos: asked, path: query, caption: "" },
        ...neighbours.map(({ path, similarity }) => ({
          photos: bank,
          path,
          caption: caption(similarity),
        })),
      ]);
      await drawSheet(options.out, () => columnsOf(rows, (i) => (i === 0 ? "query" : String(i))));
    } finally {
      asked.close();
    }
  } finally {
    bank.close();
  }
}

/** Draws groups of duplicates, a row per group. Throws DataError where the photos are no longer there. */
export async function sheetOfDuplicates(
  { source, groups }: DuplicatesResult,
  options: FoundSheetOptions,
): Promise<void> {
  const photos = await openFound(source, options);
  const words = ({ similarity, identical }: Duplicate) =>
    identical === null ? caption(similarity) : "same bytes";
  try {
    const rows = groups
      .slice(0, options.rows)
      .map((group) =>
        group.slice(0, mostOfGroup).map((each) => ({ photos, path: each.path, caption: words(each) })),
      );
    await drawSheet(options.out, () => columnsOf(rows, (i) => String(i + 1)));
  } finally {
    photos.close();
  }
}

const isFile = async ({ path }: PhotoSource, name: string) =>
  (await stat(join(path, name)).catch(() => null))?.isFile() === true;

function openFound(
  { path, size }: PhotoSource,
  { cache, signal, report }: FoundSheetOptions,
): Promise<PackedDataset> {
  return openPhotos(path, { crop: size, size, cache, least: 1, signal, report });
}

/** Rows of pictures, no row longer than the one before, as columns. */
function columnsOf(rows: readonly (readonly Cell[])[], title: (column: number) => string): SheetColumn[] {
  const width = Math.max(...rows.map((row) => row.length));
  const ids = new Map<PackedDataset, ReadonlyMap<string, number>>();
  const picture = ({ photos, path }: Cell): Tensor => {
    const known = ids.get(photos) ?? new Map(photos.names.map((name, id) => [name, id]));
    ids.set(photos, known);
    const id = known.get(path);
    if (id !== undefined) return centre(photos, id);
    throw new DataError(
      "missing-photo",
      `Expected the photo ${path} in ${photos.path}, got none that can be read. Embed the photos again.`,
    );
  };
  return Array.from({ length: width }, (_, i) => {
    const cells = rows.flatMap((row) => (i < row.length ? [row[i]] : []));
    return {
      title: title(i),
      pictures: cells.map(picture),
      captions: cells.map((cell) => cell.caption),
    };
  });
}

/** The central square of a photo, in [0, 1]: `[3, side, side]`. */
function centre(photos: PackedDataset, id: number): Tensor {
  const ids = Int32Array.of(id);
  const draw = centralView(ids, photos.originalSizes, photos.size, { fraction: 1 });
  return denormalize(renderView(photos.images(ids), draw, { crop: side }).select(0, 0)); // [3, side, side]
}
