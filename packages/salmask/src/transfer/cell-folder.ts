/** The folder of a cell: what was asked for, what came out, and the run of what was trained for it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CheckpointError, messageOf } from "../base/errors.js";
import { writeFileAtomic } from "../base/files.js";
import { differences } from "../config/same-run.js";
import type { SettingsKind } from "../config/settings-kind.js";
import { fromStored, toStored } from "../config/stored.js";
import { RunFolder } from "../runs/run-folder.js";
import { setOthersAside } from "../runs/set-aside.js";
import { detectSettings } from "../tasks/detect/settings.js";
import { finetuneSettings } from "../tasks/finetune/settings.js";
import { scoreNames } from "./columns.js";

const outcomeSchema = z.object({
  /** 0 to 1; null where there was nothing to find. */
  scores: z.partialRecord(z.enum(scoreNames), z.number().nullable()),
  /** Photos that were learned from and scored on. */
  trainPhotos: z.int(),
  scoredPhotos: z.int(),
  /** Of all processes that worked on the cell. */
  seconds: z.number(),
});

/** What a cell came to. */
export type CellOutcome = z.infer<typeof outcomeSchema>;

const askedSchema = z.object({
  kind: z.enum(["probe", "finetune", "detect"]),
  seed: z.int(),
  /** SHA-256 of the encoder's weights, or the network that is untrained. */
  encoder: z.union([z.string(), z.object({ spec: z.unknown(), crop: z.int(), highPass: z.unknown() })]),
  /** Of the set's photos; see `SetIdentity`. */
  photos: z.string(),
  /** Of the sizes of their files. Cells of before this was written down lack it, and count. */
  files: z.string().optional(),
  /** Of a probe: labels that are known, and how the linear classifier is trained. */
  labels: z.string().optional(),
  protocol: z.enum(["fast", "paper"]).optional(),
  /** Of what is trained, as a run's folder stores them. */
  settings: z.record(z.string(), z.unknown()).optional(),
});

/** What a result depends on. */
export type Asked = z.infer<typeof askedSchema>;

const recordSchema = z.object({ asked: askedSchema, outcome: outcomeSchema.nullable() });

export class CellFolder {
  constructor(readonly path: string) {}

  private get file(): string {
    return join(this.path, "cell.json");
  }

  /** The run of what is trained for this cell. */
  get run(): RunFolder {
    return new RunFolder(join(this.path, "run"));
  }

  /**
   * Readies the folder for what is asked: what another question left there is set aside. `outcome` is that of an earlier call; null
   * where the cell is not finished. Throws {@link CheckpointError} `damaged-run`.
   */
  async begin(
    asked: Asked,
  ): Promise<{ readonly outcome: CellOutcome | null; readonly moved: string | null }> {
    const record = this.read();
    if (record !== null) {
      const others = whatDiffers(record.asked, asked, this.file);
      if (others.length === 0) {
        // A cell of before is known by its photos' sizes from now on.
        if (record.asked.files === undefined)
          await this.write({ ...record.asked, files: asked.files }, record.outcome);
        return { outcome: record.outcome, moved: null };
      }
      const moved = await setOthersAside(this.path, others);
      await this.write(asked, null);
      return { outcome: null, moved };
    }
    await this.write(asked, null);
    return { outcome: null, moved: null };
  }

  /** The outcome of an earlier call that asked the same; null where there is none. Writes nothing. */
  outcomeOf(asked: Asked): CellOutcome | null {
    const record = this.read();
    if (record === null || whatDiffers(record.asked, asked, this.file).length > 0) return null;
    return record.outcome;
  }

  /** Keeps the outcome; `details` are all scores of the task. */
  async end(asked: Asked, outcome: CellOutcome, details: unknown): Promise<void> {
    await writeFileAtomic(join(this.path, "scores.json"), `${JSON.stringify(details)}\n`);
    await this.write(asked, outcome);
  }

  private async write(asked: Asked, outcome: CellOutcome | null): Promise<void> {
    await writeFileAtomic(this.file, `${JSON.stringify({ asked, outcome }, null, 2)}\n`);
  }

  private read(): z.infer<typeof recordSchema> | null {
    if (!existsSync(this.file)) return null;
    try {
      return recordSchema.parse(JSON.parse(readFileSync(this.file, "utf8")));
    } catch (error) {
      const why = messageOf(error);
      throw new CheckpointError(
        "damaged-run",
        `Expected what a cell writes in ${this.file}, got: ${why}`,
        error,
      );
    }
  }
}

/** Whatever of two questions is not the same; settings are compared as those of runs are. */
function whatDiffers(before: Asked, now: Asked, from: string): string[] {
  const { settings: settingsBefore, ...restBefore } = before;
  const { settings: settingsNow, ...restNow } = now;
  const rest = differences({ ...restBefore, files: before.files ?? now.files }, restNow);
  if (rest.length > 0 || settingsBefore === undefined || settingsNow === undefined) return rest;
  switch (now.kind) {
    case "finetune":
      return differencesOf(finetuneSettings, settingsBefore, settingsNow, from);
    case "detect":
      return differencesOf(detectSettings, settingsBefore, settingsNow, from);
    case "probe":
      return [];
  }
}

function differencesOf<T extends object>(
  kind: SettingsKind<T>,
  before: unknown,
  now: unknown,
  from: string,
): string[] {
  return differences(fromStored(kind, before, from), fromStored(kind, now, from));
}

/** Settings as a cell asks for them: as they are read from a file. */
export function askedSettings<T extends object>(kind: SettingsKind<T>, config: T): Asked["settings"] {
  return recordOf(JSON.parse(JSON.stringify(toStored(kind, config))));
}

const recordOf = (value: unknown) => askedSchema.shape.settings.parse(value);
