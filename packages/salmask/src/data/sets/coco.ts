/**
 * COCO: `instances_*.json`, or other files in its form, in `annotations` or beside folders of photos. Lin et al., "Microsoft COCO",
 * ECCV 2014.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { openFolder } from "../sources/folder.js";
import { readCocoFile } from "./coco-file.js";
import {
  type AnnotatedSplit,
  type DataSetReader,
  type OfficialCounts,
  type SplitName,
  splitNames,
} from "./data-set.js";
import type { FolderLook } from "./folder-look.js";

const official: OfficialCounts = {
  classes: 80,
  splits: {
    train2017: { photos: 118_287, objects: 860_001 },
    val2017: { photos: 5000, objects: 36_781 },
  },
};

const instancesName = /^instances_(.+)\.json$/;

/** An annotation file, and the folder of its photos. */
interface Part {
  readonly split: string;
  /** Absolute paths. */
  readonly json: string;
  readonly photos: string;
}

const usesByPrefix: readonly (readonly [string, SplitName])[] = [
  ["train", "train"],
  ["val", "validation"],
  ["minival", "validation"],
  ["test", "test"],
];

/** By a word of its name, such as `val2017` or `pets_test`. */
function useOf(split: string): SplitName {
  const words = split.toLowerCase().split(/[^a-z0-9]+/);
  return usesByPrefix.find(([prefix]) => words.some((word) => word.startsWith(prefix)))?.[1] ?? "train";
}

/**
 * The folder with an annotation file's photos: named as the split, beside the annotations, in `images`, the set's own, or the only
 * one with photos.
 */
function photosFolder(root: FolderLook, split: string): string {
  if (root.folders.has(split)) return join(root.path, split);
  const images = root.into("images");
  if (images.folders.has(split)) return join(images.path, split);
  if (images.hasPhotos()) return images.path;
  if (root.hasPhotos()) return root.path;
  const withPhotos = root.sortedFolders().filter((name) => root.into(name).hasPhotos());
  return join(root.path, withPhotos.length === 1 ? withPhotos[0] : split);
}

/** What a file in COCO's form begins with, and what its photos have. */
const firstField = /^\s*\{\s*"(info|licenses|images|annotations|categories|type)"\s*:\s*[[{"]/;
const fieldOfPhotos = /"(file_name|image_id)"\s*:/;
/** Bytes that are looked at: categories and licences may come before the photos. */
const lookedAt = 1 << 16;

/** Whether a JSON file looks like one in COCO's form; it may be large, so only its beginning is read. */
function looksLikeCoco(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return false;
  }
  try {
    const bytes = Buffer.alloc(lookedAt);
    const text = bytes.toString("utf8", 0, readSync(file, bytes, 0, lookedAt, 0));
    return firstField.test(text) && fieldOfPhotos.test(text);
  } finally {
    closeSync(file);
  }
}

/** The splits of a folder's annotation files, by the files' names: COCO's own where there are such, else all in its form. */
function filesIn(look: FolderLook): Map<string, string> {
  const names = [...look.files].filter((name) => name.endsWith(".json")).sort();
  const own = names.flatMap((name) => {
    const split = instancesName.exec(name)?.[1];
    return split === undefined ? [] : [[name, split] as const];
  });
  if (own.length > 0) return new Map(own);
  return new Map(
    names
      .filter((name) => looksLikeCoco(join(look.path, name)))
      .map((name) => [name, name.slice(0, -".json".length)]),
  );
}

function partsIn(root: FolderLook): Part[] {
  for (const place of [root.into("annotations"), root]) {
    const files = filesIn(place);
    if (files.size === 0) continue;
    return Array.from(files, ([name, split]) => ({
      split,
      json: join(place.path, name),
      photos: photosFolder(root, split),
    }));
  }
  return [];
}

export const coco: DataSetReader = {
  recognises: (look) => partsIn(look).length > 0,

  async open(look) {
    const splits = partsIn(look).map(
      (part): AnnotatedSplit => ({
        name: part.split,
        use: useOf(part.split),
        read: async (faults) => readCocoFile(part.json, part.photos, faults),
      }),
    );
    splits.sort((a, b) => splitNames.indexOf(a.use) - splitNames.indexOf(b.use));
    return {
      kind: "annotated",
      name: "coco",
      title: "a set in COCO's form",
      path: look.path,
      notes: [],
      official: splits.some(({ name }) => name in official.splits) ? official : null,
      splits,
    };
  },

  async photos(look) {
    const parts = partsIn(look);
    const part = parts.find(({ split }) => useOf(split) === "train") ?? parts[0];
    return openFolder(part.photos);
  },
};
