/** Chosen files of a folder, with classes of their own: what a data set says of its photos. */
import { join } from "node:path";
import { fileIn, sizeAndTime } from "./file-image.js";
import type { ImageSource } from "./image-source.js";
import { byCodeUnits } from "./names.js";

export interface FileList {
  /** Absolute path of the folder. */
  readonly path: string;
  /** Relative to the folder, with `/`, and position in the classes; -1 where there is none. */
  readonly files: readonly { readonly name: string; readonly label: number }[];
  readonly classes: readonly string[];
}

/**
 * The files of a list, in order of their names' code units. Its identity is the path, the classes, and every photo's name, size in
 * bytes, time of modification and label.
 */
export function openFileList({ path, files, classes }: FileList): ImageSource {
  const sorted = [...files].sort((a, b) => byCodeUnits(a.name, b.name));
  const labels = new Map(sorted.map(({ name, label }) => [name, label]));
  const facts = sorted.map(({ name, label }) => {
    const [bytes, time] = sizeAndTime(join(path, name));
    return { name, bytes, identity: JSON.stringify([name, bytes, time, label]) };
  });
  return {
    path,
    labels: { classes, labelOf: (name) => labels.get(name) ?? -1 },
    identity: ["files", path, JSON.stringify(classes), ...facts.map(({ identity }) => identity)].join("\n"),
    expected: facts.length,
    async *images(signal) {
      for (const { name, bytes } of facts) {
        signal?.throwIfAborted();
        yield fileIn(path, name, bytes);
      }
    },
    summary: () => ({ commonFolder: "", skipped: [], others: new Map() }),
  };
}
