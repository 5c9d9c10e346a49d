/** Photos with objects: which kind of thing is where, by boxes and masks, as COCO and PASCAL VOC annotate them. */
import type { Box } from "./box.js";
import type { Segmentation } from "./segmentation.js";

/** An object in a photo, as its annotation has it. */
export interface PhotoObject {
  /** The annotation's own number, unique in its set. */
  readonly id: number;
  /** Position in the set's categories. */
  readonly category: number;
  readonly box: Box;
  /** Pixels of the mask, as the annotation file says where it does; of the box where there is no mask. */
  readonly area: number;
  /** As the annotation file gives it, and as small: made a mask where one is needed. Null where there is a box alone. */
  readonly segmentation: Segmentation | null;
  /** A group of things that are not told apart: found or not, it counts neither for nor against (COCO). */
  readonly isCrowd: boolean;
  /** Hard even for people: counts neither for nor against (VOC). */
  readonly isDifficult: boolean;
}

/** A photo and its objects. */
export interface AnnotatedPhoto {
  /** The annotation file's own number, or the photo's place where it has none. */
  readonly id: number;
  /** Path relative to the set's folder, with `/`. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** Empty where nothing of the set's categories is seen. */
  readonly objects: readonly PhotoObject[];
}

/** A kind of thing, by the number and name that the annotation file gives it. */
export interface Category {
  readonly id: number;
  readonly name: string;
}

/** The names of categories in their order, as text: sets with the same text ask for the same things. */
export const namesOf = (categories: readonly Category[]): string =>
  categories.map(({ name }) => name).join(", ");

/** Photos with objects, below one folder: what a detector is trained on or scored on. */
export interface AnnotatedPhotos {
  /** Absolute path of the folder that the photos' names start from. */
  readonly path: string;
  /** In the order of their ids. */
  readonly categories: readonly Category[];
  readonly photos: readonly AnnotatedPhoto[];
}
