/** COCO: `annotations/instances_*.json` beside folders of photos. Lin et al., "Microsoft COCO", ECCV 2014. */
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

function useOf(split: string): SplitName {
  return usesByPrefix.find(([prefix]) => split.toLowerCase().startsWith(prefix))?.[1] ?? "train";
}

/** The folder with an annotation file's photos: named as the split, beside the annotations, in `images`, or the set's own. */
function photosFolder(root: FolderLook, split: string): string {
  if (root.folders.has(split)) return join(root.path, split);
  const images = root.into("images");
  if (images.folders.has(split)) return join(images.path, split);
  return images.hasPhotos() ? images.path : join(root.path, root.hasPhotos() ? "." : split);
}

function partsIn(root: FolderLook): Part[] {
  const annotations = root.into("annotations");
  const places = [annotations, root];
  const found = places.find((look) => [...look.files].some((name) => instancesName.test(name)));
  if (found === undefined) return [];
  return [...found.files].sort().flatMap((name) => {
    const split = instancesName.exec(name)?.[1];
    if (split === undefined) return [];
    return [{ split, json: join(found.path, name), photos: photosFolder(root, split) }];
  });
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
