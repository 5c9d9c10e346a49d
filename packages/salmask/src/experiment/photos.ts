/** The photos of an experiment: where they are, and whether a run has learned from these or from others. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { z } from "zod";
import { CheckpointError, messageOf } from "../base/errors.js";
import { statusOf, writeFileAtomic } from "../base/files.js";
import { differences } from "../config/same-run.js";
import type { DrawingOptions } from "../data/embedded/generated-folder.js";
import { byCodeUnits, extensionOf, isImageName } from "../data/sources/names.js";
import type { Plan } from "./plan.js";

/** Where an experiment's photos are. */
export interface Places {
  readonly photos: string;
  readonly probe: string;
  /** True masks, if the data set has them. */
  readonly masks?: string;
}

/** Where an experiment's photos are; the embedded set is drawn when it begins. */
export function placesOf({ photos }: Plan, out: string): Places {
  if (photos.kind === "folder") return photos;
  const folder = join(out, "embedded");
  return { photos: join(folder, "train"), probe: folder, masks: join(folder, "masks", "train") };
}

/** Draws the embedded set, if it is the experiment's and is not there yet. Throws what `generateEmbedded` throws. */
export async function drawPhotos(plan: Plan, out: string, drawing: DrawingOptions): Promise<void> {
  if (plan.photos.kind !== "embedded") return;
  const { generateEmbedded } = await import("../data/embedded/generate.js");
  await generateEmbedded(placesOf(plan, out).probe, plan.photos.options, drawing);
}

const filesSchema = z.strictObject({
  files: z.int(),
  bytes: z.number(),
  /** SHA-256 of the files' names and sizes. */
  names: z.string(),
});
const embeddedSchema = z.strictObject({
  options: z.record(z.string(), z.unknown()),
  /** What else the pictures depend on: versions of the drawing, the icons and the renderer; null while they are not drawn. */
  drawn: z.record(z.string(), z.unknown()).nullable(),
});
const recordSchema = z.strictObject({
  /** What the run learned from; null where it could not be listed. */
  photos: z.union([filesSchema, embeddedSchema]).nullable(),
  /** What its probes scored on, by the folders' paths. */
  probes: z.record(z.string(), filesSchema),
});

/** Which photos there are now. */
export type PhotosHere = z.infer<typeof recordSchema>;

/** Looks at an experiment's photos by their files' names and sizes, of the embedded set by its stamp; reads no photo. */
export async function photosHere(plan: Plan, out: string): Promise<PhotosHere> {
  const { photos, probe } = placesOf(plan, out);
  if (plan.photos.kind === "embedded") return { photos: embeddedIn(probe, plan.photos.options), probes: {} };
  const scored = await filesIn(probe);
  return { photos: await filesIn(photos), probes: scored === null ? {} : { [resolve(probe)]: scored } };
}

/** Tells pictures of the same options that were drawn by other versions apart; null for photos in a folder, and before they are drawn. */
export function drawnHere({ photos }: PhotosHere): string | null {
  if (photos === null || !("drawn" in photos) || photos.drawn === null) return null;
  return createHash("sha256").update(JSON.stringify(photos.drawn)).digest("hex");
}

const stampSchema = z.looseObject({ options: z.record(z.string(), z.unknown()) });

/** The embedded set with these options. What an older plan left in the folder is drawn again before a run sees it. */
function embeddedIn(folder: string, options: Record<string, unknown>): z.infer<typeof embeddedSchema> {
  const stamp = readStamp(join(folder, "embedded.json"));
  if (stamp === null) return { options, drawn: null };
  const { options: found, ...drawn } = stamp;
  const isOther = Object.entries(options).some(([name, value]) => found[name] !== value);
  return { options, drawn: isOther ? null : drawn };
}

/** null where there is no stamp that can be read: the set is drawn again then. */
function readStamp(path: string): z.infer<typeof stampSchema> | null {
  if (!existsSync(path)) return null;
  try {
    return stampSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}

/** Files that hold photos, besides the photos themselves: archives, and records of CIFAR and STL-10. */
const holders = [".tar", ".gz", ".tgz", ".bin"];

/** The photos in a folder, or an archive; null where it cannot be listed, which a run refuses in its own words. */
async function filesIn(path: string): Promise<z.infer<typeof filesSchema> | null> {
  const status = statusOf(path);
  if (status === undefined) return null;
  const names = status.isDirectory() ? await namesIn(path).catch(() => null) : [""];
  if (names === null) return null;
  const hash = createHash("sha256");
  let bytes = 0;
  for (const name of names) {
    const size = statusOf(join(path, name))?.size ?? 0;
    bytes += size;
    hash.update(`${JSON.stringify([name, size])}\n`);
  }
  return { files: names.length, bytes, names: hash.digest("hex") };
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((name) => isImageName(name) || holders.includes(extensionOf(name)))
    .filter((name) => !name.split(/[\\/]/).some((part) => part.startsWith(".")))
    .sort(byCodeUnits);
}

/** Beside the run's folder, because a run refuses a folder with files of others. */
const recordOf = (run: string) => `${run}.photos.json`;

/** Throws {@link CheckpointError} `damaged-run`. */
function readRecord(run: string): PhotosHere | null {
  const path = recordOf(run);
  if (!existsSync(path)) return null;
  try {
    return recordSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new CheckpointError(
      "damaged-run",
      `Expected the photos of a run as an experiment writes them in ${path}, got: ${messageOf(error)}. ` +
        `If the run beside it is of the photos of now, remove the file: rm ${path}`,
      error,
    );
  }
}

/**
 * In what the photos that the run in a folder learned from differ from those of now; nothing where that is not known: runs of before
 * this was written down still count.
 */
export function otherPhotos(run: string, here: PhotosHere): string[] {
  const before = readRecord(run)?.photos ?? null;
  if (before === null || here.photos === null) return [];
  return differences({ photos: before }, { photos: asKnownIn(here.photos, before) });
}

/** Before pictures are drawn, which version draws them is not known. */
function asKnownIn(now: object, before: object): object {
  const isUndrawn = "drawn" in now && now.drawn === null && "drawn" in before;
  return isUndrawn ? { ...now, drawn: before.drawn } : now;
}

/** Whether the run's probes of these labelled photos were made when there were others; false where that is not known. */
export function isProbedOnOthers(run: string, { probes }: PhotosHere): boolean {
  const before = readRecord(run)?.probes ?? {};
  return Object.entries(probes).some(
    ([path, now]) => before[path] !== undefined && differences(before[path], now).length > 0,
  );
}

/** Writes down that the run learns from the photos of now. */
export async function noteLearned(run: string, { photos }: PhotosHere): Promise<void> {
  await note(run, { photos, probes: {} });
}

/** Writes down that the run was scored on the photos of now. */
export async function noteProbed(run: string, here: PhotosHere): Promise<void> {
  await note(run, here);
}

/** What is not known now stays as it was. */
async function note(run: string, { photos, probes }: PhotosHere): Promise<void> {
  const before = readRecord(run);
  const record: PhotosHere = {
    photos: photos ?? before?.photos ?? null,
    probes: { ...before?.probes, ...probes },
  };
  const text = `${JSON.stringify(record, null, 2)}\n`;
  const path = recordOf(run);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  await writeFileAtomic(path, text);
}
