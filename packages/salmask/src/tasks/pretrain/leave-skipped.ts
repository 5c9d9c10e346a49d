/** Keeps the list of files that were not used, also of those that any rank finds to be broken during a run. */
import { messageOf } from "../../base/errors.js";
import type { Report } from "../../base/events.js";
import type { SkippedImage } from "../../data/sources/image-source.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { oneRank, type Ranks } from "../../ranks/ranks.js";
import type { RunFolder } from "../../runs/run-folder.js";

interface LeaveSkipped {
  readonly isResumed: boolean;
  /** Default: this one alone. */
  readonly ranks?: Ranks;
  readonly report: Report;
}

export class SkippedLeaver {
  private written = -1;
  private writing: Promise<void> = Promise.resolve();
  /** How many of the broken photos that this rank has found the others know. */
  private told = 0;
  private readonly ofOthers: SkippedImage[] = [];

  /** `before`: what earlier processes of the run have found. */
  private constructor(
    private readonly folder: RunFolder,
    private readonly dataset: Pick<PackedDataset, "skipped" | "stream">,
    private readonly before: readonly SkippedImage[],
    private readonly ranks: Ranks,
    private readonly report: Report,
  ) {}

  /** Writes what is known now, on rank 0. */
  static async open(
    folder: RunFolder,
    dataset: Pick<PackedDataset, "skipped" | "stream">,
    { isResumed, ranks = oneRank, report }: LeaveSkipped,
  ): Promise<SkippedLeaver> {
    const isKept = ranks.isFirst && isResumed && dataset.stream !== undefined;
    const leaver = new SkippedLeaver(folder, dataset, isKept ? folder.readSkipped() : [], ranks, report);
    if (ranks.isFirst) await folder.writeSkipped(leaver.all());
    leaver.written = leaver.all().length;
    return leaver;
  }

  /** All files that were not used, each once. */
  all(): SkippedImage[] {
    const { skipped, stream } = this.dataset;
    const found = [...skipped, ...(stream?.broken ?? []), ...this.ofOthers, ...this.before];
    return [...new Map(found.map((image) => [image.name, image])).values()];
  }

  /** Every rank calls it: tells the others what this one has found, and rank 0 writes what is new. */
  at(): void {
    const { ranks, told } = this;
    const { stream } = this.dataset;
    if (ranks.worldSize > 1 && stream !== undefined) {
      this.told = stream.broken.length;
      const found = ranks.exchange(stream.broken.slice(told, this.told));
      this.ofOthers.push(...found.flatMap((ofRank, rank) => (rank === ranks.rank ? [] : ofRank)));
    }
    if (ranks.isFirst) this.write();
  }

  /** Writes what is new. What cannot be written is a warning. */
  write(): void {
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
