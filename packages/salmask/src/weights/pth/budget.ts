import { damaged } from "./fault.js";

/** A checkpoint of a large network, with what its optimizer remembers, has some hundred thousand. */
const mostEntries = 2_000_000;

/**
 * Items, entries and sizes of all that is built from one file. A pickle can name a long list once and have it copied again and again
 * by a few bytes each, so neither the file's size nor the number of its opcodes bounds what is built.
 */
export class EntryBudget {
  private left = mostEntries;

  /** Called before entries are built. Throws CheckpointError `damaged-pth` where the file has had its share. */
  spend(entries: number): void {
    this.left -= entries;
    if (this.left < 0) throw damaged(`lists and dictionaries of more than ${mostEntries} entries in all`);
  }
}
