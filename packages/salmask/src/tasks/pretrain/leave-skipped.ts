/** Keeps the list of files that were not used, also of those that are found to be broken during a run. */
import { messageOf } from "../../base/errors.js";
import type { Report } from "../../base/events.js";
import type { SkippedImage } from "../../data/sources/image-source.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { RunFolder } from "../../runs/run-folder.js";

export class SkippedLeaver {
  private written = -1;
  private writing: Promise<void> = Promise.resolve();

  /** `before`: what earlier processes of the run have found. */
  private constructor(
    private readonly folder: RunFolder,
    private readonly dataset: Pick<PackedDataset, "skipped" | "stream">,
    private readonly before: readonly SkippedImage[],
    private readonly report: Report,
  ) {}

  /** Writes what is known now. */
  static async open(
    folder: RunFolder,
    dataset: Pick<PackedDataset, "skipped" | "stream">,
    { isResumed, report }: { readonly isResumed: boolean; readonly report: Report },
  ): Promise<SkippedLeaver> {
    const before = isResumed && dataset.stream !== undefined ? folder.readSkipped() : [];
    const leaver = new SkippedLeaver(folder, dataset, before, report);
    await folder.writeSkipped(leaver.all());
    leaver.written = leaver.all().length;
    return leaver;
  }

  /** All files that were not used, each once. */
  all(): SkippedImage[] {
    const { skipped, stream } = this.dataset;
    const found = [...skipped, ...(stream?.broken ?? []), ...this.before];
    return [...new Map(found.map((image) => [image.name, image])).values()];
  }

  /** Writes what is new. What cannot be written is a warning. */
  at(): void {
    const all = this.all();
    if (all.length === this.written) return;
    this.written = all.length;
    this.writing = this.writing
      .then(() => this.folder.writeSkipped(all))
      .catch((error: unknown) => {
        const message = `the list of skipped files could not be written: ${messageOf(error)}`;
        this.report({ kind: "warning", code: "skipped-not-left", message });
      });
  }

  /** Waits for what is being written. */
  async settle(): Promise<void> {
    await this.writing;
  }
}
