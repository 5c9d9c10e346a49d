import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { findShards } from "../../../src/data/shards/find-shards.js";
import { type OpenShards, openShards, type StreamedDataset } from "../../../src/data/shards/open-shards.js";
import type { Share } from "../../../src/data/shards/share.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { plain, temporaryFolder, writeTar } from "../fixtures.js";
import { photoOf, serve, writeShards } from "./shards.fixture.js";

const usual = { size: 8, openShards: 3, shuffleBuffer: 12, seed: 5 } as const;

type Changed = "openShards" | "shuffleBuffer" | "share" | "onBroken";

async function open(
  where: string,
  change: Partial<Pick<OpenShards, Changed>> = {},
): Promise<StreamedDataset> {
  const found = await findShards(where);
  if (found === null) throw new Error(`expected shards at ${where}`);
  const cacheDir = await temporaryFolder();
  return openShards(found, {
    ...usual,
    cacheDir,
    patience: { tries: 2, pause: 1, silence: 2000 },
    ...change,
  });
}

const batchSize = 6;
const key = { seed: 5, epoch: 0, batchSize };

/** The first pixel of each photo, which says which photo it is; `[B, 3, S, S]`. */
function coloursOf(dataset: StreamedDataset, ids: Int32Array): string[] {
  return scope(() => {
    const pixels = dataset.images(ids); // [B, 3, S, S]
    const all = pixels.toArray();
    const area = dataset.size ** 2;
    return Array.from(ids, (_, i) => [0, 1, 2].map((c) => all[(3 * i + c) * area]).join());
  });
}

const colourOf = (i: number) => [...plain(i, 1, 1)].join();

/** Shows the steps `from` to `to` of an epoch. Returns the colours of what was shown, and the ids. */
async function show(
  dataset: StreamedDataset,
  { from = 0, to = Number.POSITIVE_INFINITY, rank = 0, ranks = 1, epoch = 0 },
) {
  const order = dataset.stream.order({ ...key, epoch });
  const steps = Math.floor(order.length / batchSize);
  const colours: string[] = [];
  const ids: number[] = [];
  for (let step = from; step < Math.min(to, steps); step++) {
    const batch = order.subarray(step * batchSize, (step + 1) * batchSize);
    const own = batch.subarray((rank * batchSize) / ranks, ((rank + 1) * batchSize) / ranks);
    const release = await dataset.stream.follow(own, step + 1 === steps);
    colours.push(...coloursOf(dataset, own));
    ids.push(...own);
    release();
    expect(() => dataset.images(own)).toThrow(/which was not/);
  }
  return { colours, ids };
}

async function end(...datasets: StreamedDataset[]): Promise<void> {
  for (const dataset of datasets) {
    await dataset.stream.settle();
    dataset.close();
  }
}

describe("photos of shards", () => {
  it("are shown once an epoch each, with the pixels, sizes and classes that packing gives them", async () => {
    const folder = await temporaryFolder();
    await writeShards(folder, 5, 6);
    const dataset = await open(folder);
    expect(dataset.classes).toEqual(["3", "10"]);
    const { colours, ids } = await show(dataset, {});
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(colours).toEqual(ids.map(colourOf));
    const packed = await openDataset(folder, { size: 8, cacheDir: await temporaryFolder() });
    expect(packed.names).toEqual(dataset.names);
    expect([packed.classes, packed.labels, packed.originalSizes]).toEqual([
      dataset.classes,
      dataset.labels,
      dataset.originalSizes,
    ]);
    const all = Int32Array.from(ids);
    const release = await dataset.stream.fetch(all);
    scope(() => expect(dataset.images(all).toTypedArray()).toEqual(packed.images(all).toTypedArray()));
    release();
    packed.close();
    await end(dataset);
  });

  it("go on in the middle with the rest of the epoch, in the same order, also from another place", async () => {
    const folder = await temporaryFolder();
    await writeShards(folder, 4, 9);
    const [whole, cut] = [await open(folder), await open(folder)];
    const { fingerprint } = whole;
    const { colours } = await show(whole, { epoch: 2 });
    const first = await show(cut, { epoch: 2, to: 2 });
    await end(whole, cut);
    const { url } = await serve(folder);
    const resumed = await open(`${url}/train-{000..003}.tar`);
    expect(resumed.fingerprint).toBe(fingerprint);
    const rest = await show(resumed, { epoch: 2, from: 2 });
    expect([...first.colours, ...rest.colours]).toEqual(colours);
    // Again from the middle, as when a step is tried.
    expect(await show(resumed, { epoch: 2, from: 3, to: 5 })).toMatchObject({
      colours: colours.slice(18, 30),
    });
    await end(resumed);
  });

  it("are read by one of two ranks each, which read different shards while there are enough", async () => {
    const folder = await temporaryFolder();
    await writeShards(folder, 8, 6);
    const { url, asked } = await serve(folder);
    const shares: Share[] = [0, 1].map((rank) => ({ rank, worldSize: 2 }));
    const seen: string[] = [];
    const read: Set<string>[] = [];
    for (const share of shares) {
      const dataset = await open(`${url}/train-{000..007}.tar`, { share, openShards: 2, shuffleBuffer: 6 });
      asked.length = 0;
      const { colours } = await show(dataset, { rank: share.rank, ranks: 2 });
      seen.push(...colours);
      read.push(new Set(asked.map(({ path }) => path)));
      await end(dataset);
    }
    expect(new Set(seen)).toEqual(new Set(Array.from({ length: 48 }, (_, i) => colourOf(i))));
    expect([...read[0]].filter((path) => read[1].has(path)).length).toBeLessThanOrEqual(1);
  });

  it("that are broken are always replaced by the same other one, and told once", async () => {
    const folder = await temporaryFolder();
    const good = await Promise.all(Array.from({ length: 11 }, (_, i) => photoOf(i)));
    const files = [...good, Buffer.from(good[0].subarray(0, 40))];
    await writeTar(
      join(folder, "a.tar"),
      files.map((content, i) => ({ name: `${i}.png`, content })),
    );
    const told: string[] = [];
    const dataset = await open(folder, { onBroken: ({ name }) => told.push(name) });
    const epochs = [await show(dataset, { epoch: 0 }), await show(dataset, { epoch: 1 })];
    const replacements = epochs.map(({ ids, colours }) => colours[ids.indexOf(11)]);
    expect(replacements[0]).toBe(replacements[1]);
    expect(good.map((_, i) => colourOf(i))).toContain(replacements[0]);
    expect(told).toEqual(["a/11.png"]);
    expect(dataset.stream.broken).toMatchObject([{ name: "a/11.png" }]);
    await end(dataset);
    await writeTar(join(folder, "a.tar"), [
      { name: "0.png", content: files[11] },
      { name: "1.png", content: files[11] },
    ]);
    const hopeless = await open(folder);
    await expect(hopeless.stream.fetch(Int32Array.of(0))).rejects.toMatchObject({
      code: "unreadable-images",
    });
    await end(hopeless);
  });

  it("that cannot be read end the run: a shard that changed, and a server that is gone", async () => {
    const folder = await temporaryFolder();
    await writeShards(folder, 2, 6);
    const dataset = await open(folder);
    const path = join(folder, "train-001.tar");
    await writeFile(path, readFileSync(path).subarray(512));
    await expect(show(dataset, {})).rejects.toMatchObject({ code: "shard-changed" });
    await end(dataset);
    await writeShards(folder, 2, 6);
    let isGone = false;
    const { url } = await serve(folder, (_, response) => {
      if (isGone) response.destroy();
      return isGone;
    });
    const remote = await open(`${url}/train-{000,001}.tar`);
    isGone = true;
    await expect(show(remote, {})).rejects.toMatchObject({ code: "shard-not-readable" });
    await end(remote);
  });

  it("are refused where there are none", async () => {
    const folder = await temporaryFolder();
    await writeTar(join(folder, "a.tar"), [{ name: "notes.txt", content: Buffer.from("-") }]);
    await expect(open(folder)).rejects.toMatchObject({ code: "no-images" });
    await writeTar(join(folder, "a.tar"), [{ name: "1.png", content: await photoOf(1) }]);
    await expect(open(folder)).rejects.toMatchObject({ code: "too-few-images" });
  });
});
