/** A run's log for TensorBoard, in event files beside `metrics.jsonl`. */
import { appendFileSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { LogEntry } from "../../base/events.js";
import { scalarsEvent, startEvent, versionEvent } from "./event.js";
import { record } from "./record.js";

const prefix = "events.out.tfevents.";

export const isEventFile = (name: string): boolean => name.startsWith(prefix);

/** TensorBoard reads the files of a folder in the order of their names. */
function eventFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter(isEventFile).sort();
}

/** Whether a run in this folder was logged for TensorBoard. */
export const hasEvents = (folder: string): boolean => eventFiles(folder).length > 0;

/** Removes all event files of a folder. */
export function removeEvents(folder: string): void {
  for (const name of eventFiles(folder)) rmSync(join(folder, name), { force: true });
}

export class EventLog {
  private constructor(private readonly path: string) {}

  /**
   * Begins a new event file for a run that goes on after step `first`. Readers then forget what earlier files say of later
   * steps. If there are no earlier files, the new one begins with the entries of the run so far.
   */
  static begin(
    folder: string,
    { first, entries }: { first: number; entries: readonly LogEntry[] },
  ): EventLog {
    const time = Date.now() / 1000;
    const before = eventFiles(folder);
    const newest = Number(before.at(-1)?.slice(prefix.length).split(".")[0] ?? 0);
    // Of two files of one second, the names would not say which is the later one.
    const second = Math.max(Math.floor(time), newest + 1);
    const log = new EventLog(join(folder, `${prefix}${second}.${hostname()}.${process.pid}.0`));
    const start = startEvent({ time, step: first + 1 });
    writeFileSync(log.path, Buffer.concat([record(versionEvent(time)), record(start)]), { flag: "wx" });
    if (before.length === 0) for (const entry of entries) log.append(entry);
    return log;
  }

  append(entry: LogEntry): void {
    const time = entry.time === null ? Date.now() : Date.parse(entry.time);
    const event = scalarsEvent({ time: time / 1000, step: entry.step }, scalarsOf(entry));
    appendFileSync(this.path, record(event));
  }
}

/** The numbers of an entry by their tags, in which a group comes first: `train/loss`, `occlusion/loss`, `score/knn`. */
export function scalarsOf({ epoch, lr, imagesPerSecond, seconds, logs }: LogEntry): Record<string, number> {
  const { knn, ...numbers } = logs;
  const tagged = (group: string, values: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const tag = name.includes(".") ? name.replace(".", "/") : `${group}/${name}`;
        return [tag, value];
      }),
    );
  return {
    ...tagged("train", { ...numbers, lr, epoch }),
    ...(knn === undefined ? {} : { "score/knn": knn }),
    ...tagged("speed", { imagesPerSecond }),
    ...(seconds === null ? {} : tagged("seconds", seconds)),
  };
}
