import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { LogEntry } from "../../../src/base/events.js";
import { mapStages } from "../../../src/base/stage-clock.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { EventLog, hasEvents } from "../../../src/runs/tensorboard/event-log.js";
import { crc32c } from "../../../src/runs/tensorboard/record.js";
import { salmask } from "../../support/command-line.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";

interface Event {
  readonly time: number;
  readonly step: number;
  readonly version?: string;
  readonly session?: number;
  readonly scalars?: Readonly<Record<string, number>>;
}

const python = process.env.SALMASK_PYTHON ?? "python3";
const readWith = (script: string, folder: string) =>
  JSON.parse(execFileSync(python, [resolve(import.meta.dirname, script), folder], { encoding: "utf8" }));
const read = (folder: string): Event[][] => readWith("read_events.py", folder);

const hasTensorboard = spawnSync(python, ["-c", "import tensorboard"], { stdio: "ignore" }).status === 0;
if (!hasTensorboard)
  console.warn(`SKIPPED: reading event files with TensorBoard itself, which ${python} does not have`);

const entryOf = (step: number, logs: Record<string, number> = { loss: step / 4 }): LogEntry => ({
  step,
  epoch: Math.floor(step / 2),
  time: new Date(1e12 + 1000 * step).toISOString(),
  lr: 0.5,
  imagesPerSecond: 100,
  seconds: null,
  logs,
});

describe("crc32c", () => {
  it("gives the values of RFC 3720, appendix B.4", () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });
});

describe("EventLog", () => {
  it("writes what an independent reader of the format reads", async () => {
    const folder = await temporaryFolder();
    const log = EventLog.begin(folder, { first: 0, entries: [] });
    const seconds = { ...mapStages(() => 0.25), knn: 2 };
    log.append({ ...entryOf(300, { loss: 1.5, knn: 0.75, "occlusion.loss": -2 }), seconds });
    log.append(entryOf(2 ** 33 + 5));
    const [[version, start, first, later]] = read(folder);
    expect(version).toMatchObject({ version: "brain.Event:2" });
    expect(Math.abs(version.time - Date.now() / 1000)).toBeLessThan(100);
    expect(start).toMatchObject({ step: 1, session: 1 });
    expect(first.time).toBe(1e9 + 300);
    expect(first.step).toBe(300);
    expect(first.scalars).toEqual({
      "train/loss": 1.5,
      "train/lr": 0.5,
      "train/epoch": 150,
      "occlusion/loss": -2,
      "score/knn": 0.75,
      "speed/imagesPerSecond": 100,
      "seconds/knn": 2,
      ...Object.fromEntries(Object.keys(mapStages(() => 0)).map((stage) => [`seconds/${stage}`, 0.25])),
    });
    expect(later.step).toBe(2 ** 33 + 5);
  });

  it("goes on in a later file, and catches up where there was none", async () => {
    const folder = await temporaryFolder();
    const entries = [1, 2, 3, 4].map((step) => entryOf(step));
    for (const entry of entries.slice(0, 3)) EventLog.begin(folder, { first: 0, entries: [entry] });
    const files = read(folder);
    // Only the first file had none before it.
    expect(files.map((events) => events.slice(2).map(({ step }) => step))).toEqual([[1], [], []]);
    const other = await temporaryFolder();
    EventLog.begin(other, { first: 3, entries: entries.slice(0, 3) }).append(entries[3]);
    const [[, start, ...events]] = read(other);
    expect([start.step, ...events.map(({ step }) => step)]).toEqual([4, 1, 2, 3, 4]);
  });

  it.skipIf(!hasTensorboard)("is read by TensorBoard with every step once after a resumption", async () => {
    const folder = await temporaryFolder();
    const begin = (first: number) => EventLog.begin(folder, { first, entries: [] });
    const before = begin(0);
    for (const step of [1, 2, 3, 4]) before.append(entryOf(step));
    // A record that was being written when the process ended.
    const [name] = readdirSync(folder);
    appendFileSync(join(folder, name), Buffer.alloc(10));
    const after = begin(2);
    for (const step of [3, 4, 5]) after.append(entryOf(step, { loss: 10 * step }));
    const { "train/loss": losses } = readWith("read_with_tensorboard.py", folder);
    expect(losses).toEqual([
      [1, 0.25],
      [2, 0.5],
      [3, 30],
      [4, 40],
      [5, 50],
    ]);
  });
});

describe("--tensorboard", () => {
  it("writes the log's numbers, and a resumed run goes on after its last step without being told", async () => {
    const folder = await temporaryFolder();
    const [photos, out] = [join(folder, "photos"), join(folder, "run")];
    await writePhotos(photos, 16, 16, ["a"]);
    const config = join(folder, "run.json");
    const data = { ...smallSettings.data, cache: join(folder, "cache") };
    const train = { ...smallSettings.train, epochs: 2 };
    const settings = { ...smallSettings, data, train, saliency: { source: "centre" } };
    writeFileSync(config, JSON.stringify(settings)); // JSON is also YAML
    const command = ["pretrain", photos, "--out", out, "--config", config];
    expect(await salmask(...command, "--tensorboard")).toMatchObject({ code: 0, err: "" });
    const run = new RunFolder(out);
    const entries = run.log.read();
    const [events] = read(out);
    expect(events.slice(2).map(({ step }) => step)).toEqual(entries.map(({ step }) => step));
    for (const [i, { logs, lr }] of entries.entries()) {
      const scalars = events[i + 2].scalars ?? {};
      for (const [name, value] of Object.entries({ ...logs, lr }))
        expect(scalars[`train/${name}`], name).toBe(Math.fround(value));
    }
    const older = join(run.checkpoints, "step-000000002.safetensors");
    expect(await salmask(...command, "--resume", older)).toMatchObject({ code: 0, err: "" });
    const [, again] = read(out);
    expect(again.map(({ step }) => step)).toEqual([0, 3, 3, 4]);
    run.clear();
    expect(hasEvents(out)).toBe(false);
  });
});
