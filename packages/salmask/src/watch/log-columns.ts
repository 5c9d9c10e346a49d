/** The numbers of a log by name, which grow with it. */
import type { LogEntry } from "../base/events.js";
import { mapStages, type Stage, stages } from "../base/stage-clock.js";

/** A column whose missing numbers are NaN. */
class Column {
  private held = new Float64Array(1024).fill(Number.NaN);

  set(row: number, value: number): void {
    this.hold(row + 1);
    this.held[row] = value;
  }

  /** Its first numbers, in the memory of the column. */
  values(count: number): Float64Array {
    this.hold(count);
    return this.held.subarray(0, count);
  }

  private hold(count: number): void {
    if (count <= this.held.length) return;
    const longer = new Float64Array(Math.max(count, 2 * this.held.length)).fill(Number.NaN);
    longer.set(this.held);
    this.held = longer;
  }
}

export class LogColumns {
  private count = 0;
  private readonly stepColumn = new Column();
  private readonly epochColumn = new Column();
  /** By name: those of every log, then its own. */
  private readonly numbers = new Map<string, Column>();
  private readonly seconds = new Map<string, Column>(stages.map((stage) => [stage, new Column()]));

  get rows(): number {
    return this.count;
  }

  /** In the order in which the log first had them. */
  get names(): string[] {
    return [...this.numbers.keys()];
  }

  get steps(): Float64Array {
    return this.stepColumn.values(this.count);
  }

  /** NaN where a line lacks the number. */
  values(name: string): Float64Array {
    return (this.numbers.get(name) ?? new Column()).values(this.count);
  }

  /** NaN where a line lacks its times. */
  secondsOf(stage: Stage): Float64Array {
    return (this.seconds.get(stage) ?? new Column()).values(this.count);
  }

  add({ step, epoch, lr, imagesPerSecond, seconds, logs }: LogEntry): void {
    const row = this.count++;
    this.stepColumn.set(row, step);
    this.epochColumn.set(row, epoch);
    this.column("lr").set(row, lr);
    this.column("imagesPerSecond").set(row, imagesPerSecond);
    for (const name in logs) this.column(name).set(row, logs[name]);
    if (seconds === null) return;
    for (const [name, value] of Object.entries(seconds)) {
      const column = this.seconds.get(name) ?? this.column(`seconds for ${name}`);
      if (value !== undefined) column.set(row, value);
    }
  }

  /** Lines of the log again, without their times of writing. */
  entries(rows: readonly number[]): LogEntry[] {
    const { steps, names } = this;
    const epochs = this.epochColumn.values(this.count);
    const columns = new Map(names.map((name) => [name, this.values(name)]));
    const seconds = new Map(stages.map((stage) => [stage, this.secondsOf(stage)]));
    const at = <Key>(held: ReadonlyMap<Key, Float64Array>, key: Key, row: number) =>
      held.get(key)?.[row] ?? Number.NaN;
    return rows.map((row) => {
      const known = names
        .filter((name) => name !== "lr" && name !== "imagesPerSecond")
        .map((name) => [name, at(columns, name, row)] as const)
        .filter(([, value]) => !Number.isNaN(value));
      const hasSeconds = !Number.isNaN(at(seconds, stages[0], row));
      return {
        step: steps[row],
        epoch: epochs[row],
        time: null,
        lr: at(columns, "lr", row),
        imagesPerSecond: at(columns, "imagesPerSecond", row),
        seconds: hasSeconds ? mapStages((stage) => at(seconds, stage, row)) : null,
        logs: Object.fromEntries(known),
      };
    });
  }

  private column(name: string): Column {
    const found = this.numbers.get(name);
    if (found !== undefined) return found;
    const made = new Column();
    this.numbers.set(name, made);
    return made;
  }
}
