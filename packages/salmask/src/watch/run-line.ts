/** A run in the list: what a glance at the end of its log and at the times of its files tells. */
import { readSync } from "node:fs";

import type { RunLine } from "../page/protocol.js";
import { parseLogLine } from "../runs/metrics-log.js";
import type { FoundRun } from "./find-runs.js";
import { openInside, stampOf, textInside } from "./inside.js";
import { files, stampedFiles } from "./run-files.js";

/** The end of a log, in which a complete line is. */
const tailBytes = 16 * 1024;
/** A run that has logged nothing for so long is not running, if it never took longer between two lines. */
const leastQuiet = 120;

export function runLine({ id, path }: FoundRun): RunLine {
  const log = endOfLog(path);
  const newest = log.entries.at(-1);
  const quiet = (Date.now() - log.written) / 1000;
  const running = quiet < Math.max(leastQuiet, 3 * log.usualGap) ? "running" : "stopped";
  return {
    id,
    kind: /^task: (\w+)/m.exec(textInside(path, files.config) ?? "")?.[1] ?? "pretrain",
    state: stampOf(path, [files.summary]) === "-" ? running : "ended",
    step: newest?.step ?? null,
    loss: newest?.logs.loss ?? null,
    logSize: log.size,
    stamp: stampOf(path, stampedFiles),
  };
}

function endOfLog(folder: string) {
  using file = openInside(folder, files.metrics);
  if (file === null) return { entries: [], size: 0, written: 0, usualGap: 0 };
  const { size, mtimeMs } = file.stats;
  const bytes = Buffer.alloc(Math.min(size, tailBytes));
  const bytesRead = readSync(file.descriptor, bytes, 0, bytes.length, size - bytes.length);
  const lines = bytes.toString("utf8", 0, bytesRead).split("\n");
  const entries = lines.flatMap((line) => (line === "" ? [] : (parseLogLine(line) ?? [])));
  const times = entries.flatMap(({ time }) => (time === null ? [] : [Date.parse(time) / 1000]));
  const usualGap = times.length < 2 ? 0 : (times[times.length - 1] - times[0]) / (times.length - 1);
  return { entries, size, written: mtimeMs, usualGap };
}
