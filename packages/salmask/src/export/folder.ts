/** The folder of an export: names and writes all its files. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../base/errors.js";
import { writeFileAtomic } from "../base/files.js";
import type { Checked } from "./onnx/check.js";

const names = {
  description: "salmask.json",
  safetensors: "model.safetensors",
  torch: "model.pth",
  onnx: "onnx/model.onnx",
  config: "config.json",
  preprocessor: "preprocessor_config.json",
} as const;

export type ExportFile = keyof typeof names;

/** What a file holds, or what writes it to a path. */
export type Content = string | Uint8Array | ((path: string) => void);

/** What an export is made of. */
export interface Made {
  readonly files: Readonly<Partial<Record<ExportFile, Content>>>;
  /** How near ONNX Runtime's outputs were to ours; null where there is no graph. */
  readonly checked: Checked | null;
}

export class ExportFolder {
  constructor(readonly path: string) {}

  file(name: ExportFile): string {
    return join(this.path, names[name]);
  }

  /** Throws {@link UsageError} `folder-taken` if the folder contains files that are not an export's, whose names are common. */
  refuseForeign(): void {
    if (!existsSync(this.path) || existsSync(this.file("description"))) return;
    const held = readdirSync(this.path);
    if (held.length === 0) return;
    throw new UsageError(
      "folder-taken",
      `Expected a new folder or an earlier export's for --out, got ${this.path}, which holds ${held.slice(0, 3).join(", ")}. ` +
        "Choose another.",
    );
  }

  /**
   * Writes files beside the description of what they hold. Files of an export with another description are removed first, so
   * that all files of the folder are of the same weights.
   */
  async write(description: object, files: Readonly<Partial<Record<ExportFile, Content>>>): Promise<string[]> {
    const about = json(description);
    const path = this.file("description");
    if (existsSync(path) && readFileSync(path, "utf8") !== about)
      for (const name of Object.values(names)) rmSync(join(this.path, name), { force: true });
    // First, since it says whose the folder is.
    await writeFileAtomic(path, about);
    const written = [path];
    for (const name of Object.keys(names).filter(isExportFile)) {
      const content = files[name];
      if (content === undefined) continue;
      if (typeof content === "function") content(this.file(name));
      else await writeFileAtomic(this.file(name), content);
      written.push(this.file(name));
    }
    return written;
  }
}

const isExportFile = (name: string): name is ExportFile => name in names;

export const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
