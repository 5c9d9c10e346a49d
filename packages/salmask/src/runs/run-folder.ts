/** The folder of a run: names, writes and reads all its files. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { CheckpointError, messageOf, UsageError } from "../base/errors.js";
import { writeFileAtomic } from "../base/files.js";
import { stringifyYaml } from "../base/yaml.js";
import { isStoredIn, kindNameIn, loadSettings } from "../config/load.js";
import { pretrainSettings, type RunConfig } from "../config/schema.js";
import type { SettingsKind } from "../config/settings-kind.js";
import { toStored } from "../config/stored.js";
import type { SkippedImage } from "../data/sources/image-source.js";
import { listCheckpoints, removeUnfinished, resumeFrom } from "../training/checkpoint.js";
import type { Checkpoint } from "../training/position.js";
import { Lock } from "./lock.js";
import { MetricsLog } from "./metrics-log.js";
import {
  earlierProbeSchema,
  type ProbeRecord,
  probeRecordSchema,
  type Summary,
  summarySchema,
} from "./records.js";
import { isEventFile, removeEvents } from "./tensorboard/event-log.js";
import type { MapFile, ViewsFile } from "./tile-files.js";

const names = {
  config: "config.yaml",
  metrics: "metrics.jsonl",
  skipped: "skipped.jsonl",
  summary: "summary.json",
  probes: "probes.json",
  weights: "weights.safetensors",
  views: "views.png",
  viewTiles: "views.jpg",
  viewTexts: "views.json",
  mapTiles: "map.jpg",
  mapTexts: "map.json",
  checkpoints: "checkpoints",
  encoders: "encoders",
  lock: ".lock",
} as const;

const skippedSchema = z.object({ name: z.string(), reason: z.string() });

/** Earlier releases wrote this file instead of `probes.json`. */
const earlierProbe = "probe.json";

/** No run writes to the hidden files of others; its own are its lock and what is not complete. */
const isHidden = (name: string): boolean => name.startsWith(".");

const ownNames: ReadonlySet<string> = new Set([...Object.values(names), earlierProbe]);
const isOwnName = (name: string): boolean => ownNames.has(name) || isEventFile(name);

/** Weights that were imported have no settings, but may have been probed. */
const namesBeforeSettings: ReadonlySet<string> = new Set([names.checkpoints, names.weights, names.probes]);
const isNameBeforeSettings = (name: string): boolean => namesBeforeSettings.has(name);

/** The files of one run. Nothing is read or written before a method is called. */
export class RunFolder {
  readonly log: MetricsLog;

  constructor(readonly path: string) {
    this.log = new MetricsLog(this.file("metrics"));
  }

  private file(name: keyof typeof names): string {
    return join(this.path, names[name]);
  }

  /** The folder of checkpoints; a folder that contains it belongs to a run. */
  get checkpoints(): string {
    return this.file("checkpoints");
  }

  /** The trained encoder. */
  get weights(): string {
    return this.file("weights");
  }

  /** Where the encoder after so many epochs is kept, if `train.keepEncoders` says so. */
  encoderAfter(epochs: number): string {
    return join(this.file("encoders"), `epoch-${String(epochs).padStart(4, "0")}.safetensors`);
  }

  /** A picture sheet of the views that the run compared. */
  get views(): string {
    return this.file("views");
  }

  /** Whether the folder holds a checkpoint. */
  get hasCheckpoints(): boolean {
    return listCheckpoints(this.checkpoints).length > 0;
  }

  /**
   * Throws {@link UsageError} `folder-taken` if the folder contains files but does not belong to a run. The files of a
   * run have common names, and must not overwrite other people's files, who may have a folder of checkpoints as well. So a run is
   * known by a checkpoint of ours; one that has none yet, by having nothing but files of ours.
   */
  refuseForeign(): void {
    if (!existsSync(this.path) || this.hasCheckpoints) return;
    const foreign = this.foreign(readdirSync(this.path));
    if (foreign.length === 0) return;
    throw new UsageError(
      "folder-taken",
      `Expected a new folder or an earlier run's for --out, got ${this.path}, which holds ${foreign.slice(0, 3).join(", ")}. ` +
        "Choose another.",
    );
  }

  /**
   * What in a folder without a checkpoint of ours is not of a run that began. Without its settings only what it could not overwrite
   * counts as a run's.
   */
  private foreign(held: readonly string[]): string[] {
    if (!held.includes(names.checkpoints)) return [...held];
    const mayBe = this.hasConfig && isStoredIn(this.file("config")) ? isOwnName : isNameBeforeSettings;
    const inCheckpoints = readdirSync(this.checkpoints).map((name) => `${names.checkpoints}/${name}`);
    return [
      ...held.filter((name) => !isHidden(name) && !mayBe(name)),
      ...inCheckpoints.filter((name) => !isHidden(basename(name))),
    ];
  }

  /** Throws {@link UsageError}: like refuseForeign, and `run-exists` if there is already a run, which must be resumed. */
  refuseTaken(): void {
    this.refuseForeign();
    if (!this.hasCheckpoints) return;
    throw new UsageError(
      "run-exists",
      `Expected a new folder for the run, got ${this.path}, which holds checkpoints. ` +
        "Go on with --resume, or choose another --out.",
    );
  }

  /** Throws what {@link refuseTaken} throws for a run that begins (false), and what {@link refuseForeign} throws for one that goes on. */
  refuseFor(resume: boolean | string): void {
    if (resume === false) this.refuseTaken();
    else this.refuseForeign();
  }

  /** The checkpoint to continue from: the newest (true) or a given one; null for a run that begins (false). The caller frees it. */
  checkpointFor(resume: boolean | string): Checkpoint | null {
    if (resume === false) return null;
    return resumeFrom(this.checkpoints, typeof resume === "string" ? resume : undefined);
  }

  /**
   * Reserves the folder for this process until the lock is released. Throws {@link UsageError} `run-in-use` with the
   * process that uses it.
   */
  lock(): Lock {
    mkdirSync(this.checkpoints, { recursive: true });
    const lock = Lock.take(this.file("lock"));
    removeUnfinished(this.checkpoints);
    return lock;
  }

  /** Removes only the files of an earlier run. Throws if the folder does not belong to a run. */
  clear(): void {
    this.refuseForeign();
    for (const path of listCheckpoints(this.checkpoints)) rmSync(path);
    if (existsSync(this.file("encoders"))) {
      for (const name of readdirSync(this.file("encoders")))
        if (/^epoch-\d{4,}\.safetensors$/.test(name)) rmSync(join(this.file("encoders"), name));
    }
    const { checkpoints: _, encoders: __, lock: ___, ...files } = names;
    for (const name of [...Object.values(files), earlierProbe])
      rmSync(join(this.path, name), { force: true });
    removeEvents(this.path);
  }

  /** The settings of the run, from this version or an earlier one. Throws UsageError if they cannot be used. */
  readConfig(): RunConfig {
    return this.readSettings(pretrainSettings);
  }

  /** The settings that the run has, of this version or of one before. Throws UsageError where they cannot be used. */
  readSettings<T>(kind: SettingsKind<T>): T {
    return loadSettings(kind, {}, { file: this.file("config") });
  }

  /** The name of the run's kind of settings, such as `pretrain`. Throws UsageError `no-config`, `bad-yaml`. */
  readKindName(): string {
    return kindNameIn(this.file("config"));
  }

  /** Whether the settings of the run have been written. */
  get hasConfig(): boolean {
    return existsSync(this.file("config"));
  }

  /** Writes `config.yaml`. */
  async writeSettings<T extends object>(kind: SettingsKind<T>, settings: T): Promise<void> {
    await writeFileAtomic(this.file("config"), stringifyYaml(toStored(kind, settings)));
  }

  /** Writes `skipped.jsonl`: a line for each file that was not used. */
  async writeSkipped(skipped: readonly SkippedImage[]): Promise<void> {
    await writeFileAtomic(
      this.file("skipped"),
      skipped.map((image) => `${JSON.stringify(image)}\n`).join(""),
    );
  }

  /** What {@link writeSkipped} wrote; empty where it wrote nothing. Lines of another form are left out. */
  readSkipped(): SkippedImage[] {
    if (!existsSync(this.file("skipped"))) return [];
    const lines = readFileSync(this.file("skipped"), "utf8").split("\n");
    return lines.flatMap((line) => {
      try {
        return [skippedSchema.parse(JSON.parse(line))];
      } catch {
        return [];
      }
    });
  }

  /**
   * The summary of the run; null if it has not ended. Throws {@link CheckpointError} `damaged-run` if the file is not a
   * summary.
   */
  readSummary(): Summary | null {
    return this.readJson(this.file("summary"), summarySchema);
  }

  /** Writes `summary.json`. */
  async writeSummary(summary: Summary): Promise<void> {
    await writeFileAtomic(this.file("summary"), `${JSON.stringify(summary, null, 2)}\n`);
  }

  /** All probes of the encoder, the newest last. */
  readProbes(): ProbeRecord[] {
    const probes = this.readJson(this.file("probes"), z.array(probeRecordSchema));
    if (probes !== null) return probes;
    const earlier = this.readJson(join(this.path, earlierProbe), earlierProbeSchema);
    return earlier === null ? [] : [earlier];
  }

  /** Adds a result. Replaces an earlier one that was measured on the same photos, as many of them, in the same way. */
  async addProbe(record: ProbeRecord): Promise<void> {
    // One folder can be split in several ways, and parts of it be left out.
    const keyOf = ({
      photos,
      trainPhotos,
      testPhotos,
      protocol,
      seed,
      labels,
      heldOut,
      lastEpochs,
    }: ProbeRecord) =>
      JSON.stringify([photos, trainPhotos, testPhotos, protocol, seed, labels, heldOut, lastEpochs]);
    const others = this.readProbes().filter((other) => keyOf(other) !== keyOf(record));
    await writeFileAtomic(this.file("probes"), `${JSON.stringify([...others, record], null, 2)}\n`);
  }

  /** Leaves small pictures of what the encoder compares. */
  async writeViews(jpeg: Uint8Array, said: ViewsFile): Promise<void> {
    await writeFileAtomic(this.file("viewTiles"), jpeg);
    await writeFileAtomic(this.file("viewTexts"), `${JSON.stringify(said)}\n`);
  }

  /** Leaves a map of embeddings. */
  async writeMap(jpeg: Uint8Array, said: MapFile): Promise<void> {
    await writeFileAtomic(this.file("mapTiles"), jpeg);
    await writeFileAtomic(this.file("mapTexts"), `${JSON.stringify(said)}\n`);
  }

  private readJson<T>(path: string, schema: z.ZodType<T>): T | null {
    if (!existsSync(path)) return null;
    try {
      return schema.parse(JSON.parse(readFileSync(path, "utf8")));
    } catch (error) {
      const why = messageOf(error);
      throw new CheckpointError("damaged-run", `Expected what a run writes in ${path}, got: ${why}`, error);
    }
  }
}
