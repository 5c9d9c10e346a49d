import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import type { AnnotatedPhotos } from "../../../src/data/samples/objects.js";
import type { AnnotatedSet, DataSet, LabelledSet, SetOptions } from "../../../src/data/sets/data-set.js";
import { Faults } from "../../../src/data/sets/faults.js";
import { openWithFaults } from "../../../src/data/sets/registry.js";

/** Writes files below a folder, with the folders between. */
export async function writeAll(root: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
}

/** Files that are photos by their names alone: enough where no pixels are read. */
export function empty(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, ""]));
}

/** A grey PNG. */
export function png(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: "#808080" } })
    .png()
    .toBuffer();
}

interface Opened {
  set: DataSet;
  faults: Faults;
}

async function open(path: string, options: Partial<SetOptions>): Promise<Opened> {
  const faults = new Faults();
  return { set: await openWithFaults(path, { ...options, faults }), faults };
}

export async function openLabelled(
  path: string,
  options: Partial<SetOptions> = {},
): Promise<{ set: LabelledSet; faults: Faults }> {
  const { set, faults } = await open(path, options);
  if (set.kind !== "labelled") throw new Error(`${set.name} has objects`);
  return { set, faults };
}

/** A set of objects with all its splits read. */
export async function openAnnotated(
  path: string,
): Promise<{ set: AnnotatedSet; faults: Faults; splits: Map<string, AnnotatedPhotos> }> {
  const { set, faults } = await open(path, {});
  if (set.kind !== "annotated") throw new Error(`${set.name} has labels`);
  const splits = new Map<string, AnnotatedPhotos>();
  for (const { name, read } of set.splits) splits.set(name, await read(faults, {}));
  return { set, faults, splits };
}

/** What the faults are of, each with its code. */
export function told({ first }: Faults): string[] {
  return first.map(({ code, of }) => `${code}: ${of}`);
}

/** How many photos of each class a split has, by the class's name. */
export function perClass({ classes, splits }: LabelledSet, split: "train" | "validation" | "test") {
  const counts: Record<string, number> = {};
  for (const { label } of splits[split] ?? []) counts[classes[label]] = (counts[classes[label]] ?? 0) + 1;
  return counts;
}
