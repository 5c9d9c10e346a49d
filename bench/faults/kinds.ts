/** The kinds of files that are damaged. */
import type { Kind } from "./readers.js";

/** How many files of each kind there are in a whole count, and what they are called. */
export const kinds: Readonly<Record<Kind, { readonly title: string; readonly files: number }>> = {
  images: { title: "images", files: 2000 },
  tensors: { title: "checkpoints and safetensors", files: 500 },
  pth: { title: ".pth files", files: 500 },
  tars: { title: "archives", files: 500 },
  texts: { title: "settings and annotations", files: 500 },
  shards: { title: "archives, as shards", files: 500 },
};
export const kindNames: readonly Kind[] = ["images", "tensors", "pth", "tars", "texts", "shards"];

/** The kinds with a text in their names or titles. */
export const kindsWith = (text: string): readonly Kind[] =>
  kindNames.filter((kind) => kind.includes(text) || kinds[kind].title.includes(text));
