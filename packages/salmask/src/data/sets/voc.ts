/** PASCAL VOC's layout: `JPEGImages`, `Annotations`, `ImageSets/Main`. Everingham et al., IJCV 2010, and the VOC2012 devkit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InterruptedError } from "../../base/errors.js";
import type { AnnotatedPhoto, AnnotatedPhotos, Category, PhotoObject } from "../samples/objects.js";
import { openFileList } from "../sources/file-list.js";
import { byCodeUnits, isImageName } from "../sources/names.js";
import { boxFault } from "./boxes.js";
import type { AnnotatedSplit, DataSetReader, OfficialCounts, ReadObjects, SplitName } from "./data-set.js";
import type { Faults } from "./faults.js";
import type { FolderLook } from "./folder-look.js";
import { readInstances } from "./voc-masks.js";
import { readVocXml, type VocAnnotation } from "./voc-xml.js";

/** The classes of VOC2007 and VOC2012, in the devkit's order. */
export const vocClasses: readonly string[] = (
  "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train " +
  "tvmonitor"
).split(" ");

const officialSplits = {
  VOC2007: { train: 2501, val: 2510, trainval: 5011, test: 4952 },
  VOC2012: { train: 5717, val: 5823, trainval: 11_540 },
} as const;

/** Lists of photos, the one to learn from first: `trainval` where it is there, as everybody trains on it. */
const listUses: readonly (readonly [string, SplitName])[] = [
  ["trainval", "train"],
  ["train", "train"],
  ["val", "validation"],
  ["test", "test"],
];

/** One folder of photos, annotations and lists. */
interface Year {
  readonly look: FolderLook;
  /** Such as `VOC2007`; empty where the set is one folder of another name. */
  readonly name: string;
}

/** Photos that are read before signals and timers get their turn. */
const photosATurn = 256;

const isYear = (look: FolderLook) => look.hasFolders("JPEGImages", "Annotations");
const officialName = /^VOC20\d\d$/;

/** The folder itself, or the years in it or in a `VOCdevkit` in it. */
function yearsIn(look: FolderLook): Year[] {
  if (isYear(look)) return [{ look, name: officialName.test(look.name) ? look.name : "" }];
  const home = look.folders.has("VOCdevkit") ? look.into("VOCdevkit") : look;
  return home
    .sortedFolders()
    .filter((name) => officialName.test(name))
    .map((name) => ({ look: home.into(name), name }))
    .filter(({ look: year }) => isYear(year));
}

const stemOf = (name: string) => name.slice(0, name.lastIndexOf("."));

/** The ids of a list's photos: the first word of each line. */
function idsOf(year: Year, list: string): string[] {
  const text = readFileSync(join(year.look.path, "ImageSets/Main", `${list}.txt`), "utf8");
  return text.split("\n").flatMap((line) => line.trim().split(/\s+/)[0] || []);
}

interface List {
  readonly name: string;
  readonly use: SplitName;
  readonly ids: readonly string[];
}

/** The lists of a folder; where it has none, all photos that have annotations. */
function listsOf(year: Year): List[] {
  const lists = year.look.into("ImageSets").into("Main");
  const found = listUses.filter(([name]) => lists.files.has(`${name}.txt`));
  if (found.length > 0) return found.map(([name, use]) => ({ name, use, ids: idsOf(year, name) }));
  const xmls = [...year.look.into("Annotations").files].filter((name) => name.endsWith(".xml"));
  return [{ name: "all", use: "train", ids: xmls.map(stemOf).sort(byCodeUnits) }];
}

/** Reads the folder's photos by id; of a set with classes of its own, all annotations are needed before the first is. */
class YearReader {
  readonly path: string;
  private readonly annotations = new Map<string, VocAnnotation | string>();
  /** Photos by id. */
  private readonly photos: ReadonlyMap<string, string>;
  private readonly files: ReadonlySet<string>;
  private readonly masks: { readonly objects: FolderLook; readonly classes: FolderLook };

  constructor(readonly year: Year) {
    this.path = year.look.path;
    this.files = year.look.into("JPEGImages").files;
    const names = [...this.files].filter(isImageName);
    this.photos = new Map(names.map((name) => [stemOf(name), name]));
    this.masks = {
      objects: year.look.into("SegmentationObject"),
      classes: year.look.into("SegmentationClass"),
    };
  }

  /** Whether it is a folder of VOC's own, by its name. */
  get isOfficial(): boolean {
    return this.year.name !== "";
  }

  /** An annotation, or why there is none. */
  annotation(id: string): VocAnnotation | string {
    const known = this.annotations.get(id);
    if (known !== undefined) return known;
    const made = readVocXml(join(this.path, "Annotations", `${id}.xml`));
    this.annotations.set(id, made);
    return made;
  }

  /** The names of the classes that occur, sorted. */
  classes(ids: Iterable<string>): string[] {
    const names = new Set<string>();
    for (const id of ids) {
      const annotation = this.annotation(id);
      if (typeof annotation !== "string") for (const { name } of annotation.objects) names.add(name);
    }
    names.delete("");
    return [...names].sort(byCodeUnits);
  }

  /** File of a photo in JPEGImages: by its id, else as its annotation names it; undefined where there is none. */
  private fileOf(id: string, { filename }: VocAnnotation): string | undefined {
    return this.photos.get(id) ?? (this.files.has(filename) ? filename : undefined);
  }

  async read(
    ids: readonly string[],
    categories: readonly Category[],
    faults: Faults,
    { masks = true, signal }: ReadObjects,
  ): Promise<AnnotatedPhotos> {
    const positions = new Map(categories.map(({ name }, position) => [name, position]));
    const photos: AnnotatedPhoto[] = [];
    const seen = new Set<string>();
    let firstId = 1;
    for (const [place, id] of ids.entries()) {
      if (place % photosATurn === 0) await new Promise(setImmediate);
      if (signal?.aborted === true) throw new InterruptedError("Stopped; nothing was written.");
      const of = `photo ${id}`;
      if (seen.has(id)) {
        faults.add("duplicate-id", of, "Expected a photo once in its list, got it a second time.");
        continue;
      }
      seen.add(id);
      const annotation = this.annotation(id);
      if (typeof annotation === "string") {
        faults.add("bad-annotation", of, annotation);
        continue;
      }
      const file = this.fileOf(id, annotation);
      if (file === undefined) {
        faults.add("missing-photo", of, `Expected the photo in ${this.path}/JPEGImages, got no such file.`);
        continue;
      }
      const { width, height } = annotation;
      const objects = objectsOf(annotation, { positions, firstId, of, faults });
      firstId += annotation.objects.length;
      const photo = { id: place, name: `JPEGImages/${file}`, width, height, objects };
      photos.push(masks ? { ...photo, objects: await this.withMasks(photo, id, faults) } : photo);
    }
    if (photos.every(({ objects }) => objects.length === 0)) {
      faults.add("no-annotations", this.path, "Expected annotations of objects, got none.");
    }
    return { path: this.path, categories, photos };
  }

  private async withMasks(
    photo: AnnotatedPhoto,
    id: string,
    faults: Faults,
  ): Promise<readonly PhotoObject[]> {
    const file = `${id}.png`;
    if (!this.masks.objects.files.has(file)) return photo.objects;
    const classes = this.masks.classes.files.has(file) ? join(this.masks.classes.path, file) : null;
    const read = await readInstances(photo, {
      objects: join(this.masks.objects.path, file),
      classes,
      // Another set's class picture may number its classes as it likes.
      classNumber: ({ category }) => (this.isOfficial ? category + 1 : 0),
    });
    if (read.kind === "read") return read.value;
    faults.add("bad-segmentation", `photo ${id}`, read.message);
    return photo.objects;
  }
}

/** The objects of an annotation that have no fault; they are numbered as they come, those with faults too. */
function objectsOf(
  annotation: VocAnnotation,
  {
    positions,
    firstId,
    of,
    faults,
  }: { positions: ReadonlyMap<string, number>; firstId: number; of: string; faults: Faults },
): PhotoObject[] {
  return annotation.objects.flatMap(({ name, box, isDifficult }, place) => {
    const which = `object ${place + 1} of ${of}`;
    if (typeof box === "string") {
      faults.add("bad-box", which, box);
      return [];
    }
    const wrong = boxFault(box, annotation);
    if (wrong !== null) {
      faults.add(wrong.code, which, wrong.message);
      return [];
    }
    const category = positions.get(name);
    if (category === undefined) {
      faults.add("unknown-category", which, `Expected one of the ${positions.size} classes, got "${name}".`);
      return [];
    }
    const [left, top, right, bottom] = box;
    const area = (right - left) * (bottom - top);
    return [{ id: firstId + place, category, box, area, segmentation: null, isCrowd: false, isDifficult }];
  });
}

/** What a folder named as one of VOC's own holds is of the 20 classes; other sets have the classes that they name. */
function categoriesOf(reader: YearReader, lists: readonly List[]): Category[] {
  const names = reader.isOfficial ? vocClasses : reader.classes(new Set(lists.flatMap(({ ids }) => ids)));
  return names.map((name, i) => ({ id: i + 1, name }));
}

function officialCounts(years: readonly Year[]): OfficialCounts | null {
  const splits: Record<string, { photos: number }> = {};
  for (const { name } of years) {
    if (name !== "VOC2007" && name !== "VOC2012") continue;
    for (const [list, photos] of Object.entries(officialSplits[name])) {
      splits[splitName(years, name, list)] = { photos };
    }
  }
  return Object.keys(splits).length === 0 ? null : { classes: vocClasses.length, splits };
}

/** `trainval`, or `VOC2007 trainval` where there are several years. */
function splitName(years: readonly Year[], year: string, list: string): string {
  return years.length > 1 ? `${year} ${list}` : list;
}

export const voc: DataSetReader = {
  recognises: (look) => yearsIn(look).length > 0,

  async open(look) {
    const years = yearsIn(look);
    const splits = years.flatMap((year): AnnotatedSplit[] => {
      const lists = listsOf(year);
      const reader = new YearReader(year);
      let categories: Category[] | undefined;
      return lists.map(({ name, use, ids }) => ({
        name: splitName(years, year.name, name),
        use,
        async read(faults, options) {
          categories ??= categoriesOf(reader, lists);
          return reader.read(ids, categories, faults, options);
        },
      }));
    });
    return {
      kind: "annotated",
      name: "voc",
      title:
        years[0].name === ""
          ? "a set in PASCAL VOC's layout"
          : `PASCAL ${years.map(({ name }) => name).join(" and ")}`,
      path: look.path,
      notes: [],
      official: officialCounts(years),
      splits,
    };
  },

  async photos(look) {
    const files = yearsIn(look).flatMap((year) => {
      const prefix = year.look.path.slice(look.path.length + 1);
      const [learned] = listsOf(year);
      const names = new Map([...year.look.into("JPEGImages").files].map((name) => [stemOf(name), name]));
      return [...new Set(learned.ids)].flatMap((id) => {
        const name = names.get(id);
        if (name === undefined) return [];
        return [{ name: `${prefix === "" ? "" : `${prefix}/`}JPEGImages/${name}`, label: -1 }];
      });
    });
    return openFileList({ path: look.path, files, classes: [] });
  },
};
