/** Leaves pictures of what a run compares in its folder, for those who watch it. */
import { noGrad, scope } from "@salmask/torch";
import { messageOf } from "../../base/errors.js";
import type { Report } from "../../base/events.js";
import { spread } from "../../base/spread.js";
import type { Release } from "../../data/store/photo-stream.js";
import { pixelsOf, tilesJpeg } from "../../image/tiles.js";
import type { RunFolder } from "../../runs/run-folder.js";
import type { PretrainTask } from "./task.js";
import { viewColumns } from "./view-columns.js";

const photoCount = 6;
/** Side of a small picture in pixels. */
const side = 96;
/** Pictures are drawn again when at least this many times the last drawing's time has passed: they cost a hundredth at most. */
const rest = 100;

/**
 * Draws views of the same few photos, as training sees them in the epoch of a checkpoint. Neither the task nor any later random
 * decision is changed. What cannot be written is a warning, and training goes on.
 */
export class ViewsLeaver {
  private drawnAt = Number.NEGATIVE_INFINITY;
  private took = 0;
  private writing: Promise<void> = Promise.resolve();
  private release: Release = () => {};

  constructor(
    private readonly task: PretrainTask,
    private readonly folder: RunFolder,
    private readonly report: Report,
  ) {}

  /** Has the photos ready, where they are read when they are needed. Call it before {@link at}. */
  async hold(): Promise<void> {
    const { dataset } = this.task.scene;
    this.release = (await dataset.stream?.fetch(spread(dataset.length, photoCount))) ?? this.release;
  }

  /** Draws after `step` steps, unless the last drawing was a short time ago and more steps will follow. */
  at(step: number, isLast: boolean): void {
    const began = performance.now();
    if (!isLast && began - this.drawnAt < rest * this.took) return;
    const { dataset } = this.task.scene;
    const ids = spread(dataset.length, photoCount);
    const columns = this.pictures(step, ids);
    this.writing = this.writing.then(async () => {
      const across = columns.length;
      const rows = Array.from(ids, (_, row) => columns.map(({ pictures }) => pictures[row]));
      await this.folder.writeViews(await tilesJpeg(rows.flat(), { side, across }), {
        step,
        side,
        columns: columns.map(({ title }) => title),
        photos: Array.from(ids, (id) => dataset.names[id]),
      });
    });
    this.writing = this.writing.catch((error: unknown) => {
      const why = messageOf(error);
      this.report({
        kind: "warning",
        code: "views-not-left",
        message: `the views could not be written for salmask watch: ${why}`,
      });
    });
    this.drawnAt = began;
    this.took = performance.now() - began;
  }

  /** Waits for what is being written. */
  async settle(): Promise<void> {
    this.release();
    await this.writing;
  }

  private pictures(step: number, ids: Int32Array) {
    const { config, scene, recipe, guide } = this.task;
    const { dataset, cell, device } = scene;
    const epoch = Math.floor((step - 1) / this.task.stepsPerEpoch);
    return noGrad(() =>
      scope(() =>
        viewColumns({ dataset, guide, config, recipe, cell, device, epoch, ids }).map(
          ({ title, pictures }) => ({
            title,
            pictures: pictures.map(pixelsOf),
          }),
        ),
      ),
    );
  }
}
