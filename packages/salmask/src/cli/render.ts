/** Shows events to people: as lines, and on a terminal also as a progress bar. */
import type { LogEntry, Report, RunEvent } from "../base/events.js";
import { duration, percent } from "../base/format.js";

/** Where events are shown. */
export interface Screen {
  /** Writes a whole line. */
  line(text: string): void;
  /** Replaces the last unfinished line; null if the output cannot do that, such as a file. */
  readonly bar: ((text: string) => void) | null;
  /** Seconds since a fixed start. */
  now(): number;
}

/** Seconds between progress lines if there is no bar; in long work, a tenth of the time so far. */
const lineEvery = 5;
/** Seconds between updates of a bar. */
const barEvery = 0.1;
/** Seconds from which a training time is long. */
const long = 3600;

type Progress = Extract<RunEvent, { kind: "progress" }>;
type Begin = Extract<RunEvent, { kind: "begin" }>;

/**
 * Shows events on a screen when they happen.
 *
 * @param ifLong is said where training is estimated to take an hour or more; null says nothing
 */
export function renderer(screen: Screen, ifLong: string | null = null): Report {
  let phase = { what: "", since: 0, shown: 0, isShown: false };
  let begun: Begin | null = null;
  let stepsHere = 0;
  let barShown = 0;
  let pace = 0;

  const progress = (event: Progress): void => {
    const now = screen.now();
    if (event.what !== phase.what) phase = { what: event.what, since: now, shown: now, isShown: false };
    const isDone = event.done === event.total;
    const elapsed = now - phase.since;
    const text = progressText(event, elapsed);
    if (screen.bar !== null && !isDone) {
      if (now - phase.shown < barEvery && phase.isShown) return;
      screen.bar(withGauge(text, event));
    } else if (
      isDone ? !phase.isShown && elapsed < 1 : now - phase.shown < Math.max(lineEvery, elapsed / 10)
    ) {
      if (isDone) phase.what = "";
      return;
    } else {
      screen.line(text);
    }
    phase = { ...phase, shown: now, isShown: true, what: isDone ? "" : event.what };
  };

  const step = ({ step, steps, seconds }: Extract<RunEvent, { kind: "step" }>): void => {
    stepsHere++;
    // The first step is slower than the others, so the second one is used to estimate the remaining time.
    if (stepsHere === 2 && begun !== null)
      for (const line of planLines(begun, { left: steps - step, seconds, ifLong })) screen.line(line);
    // The first step is slower, and later ones may take another time than those of long ago.
    if (stepsHere > 1) pace = pace === 0 ? seconds : pace + (seconds - pace) / 20;
    const now = screen.now();
    if (screen.bar === null || now - barShown < barEvery) return;
    barShown = now;
    const left = pace === 0 ? "" : `  ${duration((steps - step) * pace)} left`;
    screen.bar(withGauge(`step ${step} of ${steps}${left}`, { done: step, total: steps }));
  };

  return (event) => {
    switch (event.kind) {
      case "progress":
        return progress(event);
      case "warning":
        return screen.line(`warning: ${event.message}`);
      case "note":
        return screen.line(event.message);
      case "begin":
        begun = event;
        stepsHere = 0;
        pace = 0;
        return screen.line(beginText(event));
      case "step":
        return step(event);
      case "log":
        return screen.line(logLine(event.entry, event));
      case "checkpoint":
        return;
      case "cell":
        if (event.state !== "begun") screen.line(cellLine(event));
        return;
    }
  };
}

const gaugeLength = 20;

/** Puts a bar of the share that is done before a text. */
function withGauge(text: string, { done, total }: Pick<Progress, "done" | "total">): string {
  if (total === null || total === 0) return text;
  const full = Math.min(gaugeLength, Math.floor((gaugeLength * done) / total));
  return `[${"#".repeat(full)}${"-".repeat(gaugeLength - full)}] ${text}`;
}

function cellLine({ name, state, outcome, done, total, left }: Extract<RunEvent, { kind: "cell" }>): string {
  const how = {
    begun: "begins",
    done: outcome,
    reused: `${outcome} (done before)`,
    failed: `failed: ${outcome}`,
  };
  const rest = done === total || left === null ? "" : `  about ${duration(left)} left`;
  return `${done} of ${total}  ${name}: ${how[state]}${rest}`;
}

function beginText({ step, steps, stepsPerEpoch, epochs, batchSize }: Begin): string {
  const left = step === 0 ? "" : `, ${steps - step} left`;
  return `training: ${epochs} epochs of ${stepsPerEpoch} steps, ${batchSize} photos per step: ${steps} steps${left}`;
}

interface Pace {
  /** Steps that are left. */
  readonly left: number;
  /** Of one step. */
  readonly seconds: number;
  readonly ifLong: string | null;
}

function planLines({ batchSize }: Begin, { left, seconds, ifLong }: Pace): string[] {
  const total = left * seconds;
  const line = `a step takes ${seconds.toPrecision(2)} s (${(batchSize / seconds).toFixed(0)} photos per second): about ${duration(total)} left`;
  return total < long || ifLong === null ? [line] : [line, ifLong];
}

function progressText({ what, done, total }: Progress, seconds: number): string {
  if (total === null) return `${what}: ${done}`;
  const rate = seconds > 0 ? done / seconds : 0;
  const speed = rate < 1 ? rate.toPrecision(2) : rate.toFixed(0);
  const left = rate > 0 ? `  ${speed} per second, ${duration((total - done) / rate)} left` : "";
  return `${what}: ${done} of ${total}${done === total ? "" : left}`;
}

/** A short text about the masks of a step. */
function maskPart({ foregroundShare, maskedShare }: LogEntry["logs"]): string[] {
  if (maskedShare === undefined) return [];
  if (maskedShare === 0) return ["unmasked"];
  const share = `masked ${percent(maskedShare)}`;
  return foregroundShare === undefined ? [share] : [share, `foreground ${percent(foregroundShare)}`];
}

/** The score of the encoder, and how long it took. */
function knnPart({ logs, seconds }: LogEntry): string[] {
  if (logs.knn === undefined) return [];
  const score = `kNN ${percent(logs.knn, 1)}`;
  if (seconds?.knn === undefined) return [score];
  return [`${score} in ${seconds.knn < 10 ? `${seconds.knn.toFixed(1)}s` : duration(seconds.knn)}`];
}

/** One line with the state of a run. */
export function logLine(entry: LogEntry, run: { steps: number; epochs: number; left: number }): string {
  const { logs } = entry;
  const { loss, contrastAccuracy, queueFill } = logs;
  const parts = [
    `epoch ${Math.min(entry.epoch + 1, run.epochs)}/${run.epochs}`,
    `step ${entry.step}/${run.steps}`,
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(3)}`]),
    ...(contrastAccuracy === undefined ? [] : [`contrast ${percent(contrastAccuracy)}`]),
    ...(queueFill === undefined || queueFill === 1 ? [] : [`queue ${percent(queueFill)}`]),
    ...maskPart(logs),
    ...knnPart(entry),
    `${entry.imagesPerSecond.toFixed(0)} photos/s`,
    `${duration(run.left)} left`,
  ];
  return parts.join("  ");
}
