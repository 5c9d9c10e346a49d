/** The names in a folder, looked at once: what data sets are recognised by. */
import { readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { statusOf } from "../../base/files.js";
import { isImageName } from "../sources/names.js";

export class FolderLook {
  /** Absolute. */
  readonly path: string;
  readonly files = new Set<string>();
  readonly folders = new Set<string>();

  /** What cannot be listed holds nothing. Hidden files are left out; a link to a folder counts as a folder. */
  constructor(path: string) {
    this.path = resolve(path);
    for (const entry of list(this.path)) {
      if (entry.name.startsWith(".")) continue;
      if (
        entry.isDirectory() ||
        (entry.isSymbolicLink() && statusOf(join(this.path, entry.name))?.isDirectory())
      ) {
        this.folders.add(entry.name);
      } else this.files.add(entry.name);
    }
  }

  /** Name of the folder itself. */
  get name(): string {
    return basename(this.path);
  }

  has(...files: string[]): boolean {
    return files.every((file) => this.files.has(file));
  }

  hasFolders(...folders: string[]): boolean {
    return folders.every((folder) => this.folders.has(folder));
  }

  /** A folder in it; an empty look where there is none. */
  into(folder: string): FolderLook {
    return new FolderLook(join(this.path, folder));
  }

  /** Folders in the order of their names. */
  sortedFolders(): string[] {
    return [...this.folders].sort();
  }

  hasPhotos(): boolean {
    for (const file of this.files) if (isImageName(file)) return true;
    return false;
  }
}

function list(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
