import { execFileSync } from "node:child_process";
import { createReadStream, readFileSync } from "node:fs";
import { open, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import { openLocalShard } from "../../../src/data/shards/shard-file.js";
import { indexShard, type ShardIndex } from "../../../src/data/shards/shard-index.js";
import { openShardSet } from "../../../src/data/shards/shard-set.js";
import { temporaryFolder, writeFiles, writeTar } from "../fixtures.js";

const indexOf = async (path: string): Promise<ShardIndex> => indexShard(await openLocalShard(path));

/** The photos of an archive by tar-stream, which reads all of it. */
async function byTarStream(path: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const entries = createReadStream(path).pipe(extract());
  for await (const entry of entries) {
    const content = await buffer(entry);
    if (/\.(jpg|png)$/.test(entry.header.name))
      found.set(entry.header.name.replace(/^\.\//, ""), String(content));
  }
  return found;
}

/** What lies where an index says that a photo lies. */
function byIndex(path: string, { names, offsets, bytes }: ShardIndex): Map<string, string> {
  const all = readFileSync(path);
  return new Map(names.map((name, i) => [name, all.toString("utf8", offsets[i], offsets[i] + bytes[i])]));
}

describe("an index", () => {
  it.each(["ustar", "gnu", "pax"])("finds what GNU tar wrote as %s, at any distance", async (format) => {
    const folder = await temporaryFolder();
    const deep = `${"deep-".repeat(12)}/${"e".repeat(70)}`;
    await writeFiles(join(folder, "in"), {
      "a.jpg": "first",
      "a.cls": "7",
      "b.jpg": "x".repeat(700_000),
      [`${deep}/ünï.png`]: "y".repeat(513),
      "z.json": '{"label": "7"}',
      "z.jpg": "last",
    });
    const path = join(folder, "s.tar");
    execFileSync("tar", [`--format=${format}`, "--sort=name", "-C", join(folder, "in"), "-cf", path, "."]);
    const index = await indexOf(path);
    expect(index.names).toHaveLength(4);
    expect(byIndex(path, index)).toEqual(await byTarStream(path));
    const classes = Object.fromEntries(index.names.map((name, i) => [name, index.classes[index.labels[i]]]));
    expect(classes).toMatchObject({ "a.jpg": "7", "b.jpg": undefined, "z.jpg": "7" });
  });

  it("joins files by their key, chooses one photo a sample, and says what it leaves out", async () => {
    const path = join(await temporaryFolder(), "s.tar");
    const text = (name: string, content = name) => ({ name, content: Buffer.from(content) });
    await writeTar(path, [
      text("./1.mask.png"),
      text("1.png"),
      text("1.json", '{"cls": 12, "caption": "-"}'),
      text("1.txt"),
      text("2.JPG"),
      text("2.cls", "cat"),
      text("2.json", '{"cls": "dog"}'),
      text("3.jpg", ""),
      text("4.heic"),
      { name: "5.jpg", type: "symlink" },
      text("../../6.png"),
      text("6.json", "{broken"),
      text(".7.png"),
    ]);
    const index = await indexOf(path);
    expect(index.names).toEqual(["1.png", "2.JPG", "6.png"]);
    expect(index.labels.map((label) => index.classes[label] ?? null)).toEqual(["12", "cat", null]);
    expect(index.skipped.map(({ name }) => name)).toEqual(["1.mask.png", "3.jpg", "4.heic", "5.jpg"]);
    expect(index.others).toEqual([[".txt", 1]]);
  });

  it("is kept with the shard's size and time, and made anew where these or the file have changed", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "s.tar");
    const cacheDir = join(folder, "cache");
    const named = (...names: string[]) =>
      writeTar(
        path,
        names.map((name) => ({ name, content: Buffer.from("-") })),
      );
    const names = async () => (await openShardSet({ path, addresses: [path] }, { cacheDir })).names;
    await named("a.jpg");
    await utimes(path, 1, 1);
    expect(await names()).toEqual(["s/a.jpg"]);
    await named("b.jpg");
    await utimes(path, 1, 1); // as long as before, and as old
    expect(await names()).toEqual(["s/a.jpg"]);
    await utimes(path, 2, 2);
    expect(await names()).toEqual(["s/b.jpg"]);
    const [file] = execFileSync("find", [cacheDir, "-name", "*.json"], { encoding: "utf8" }).split("\n");
    await writeFile(file, readFileSync(file, "utf8").replace("b.jpg", "c.jpg"));
    expect(await names()).toEqual(["s/b.jpg"]);
  });
});

describe("a damaged or hostile archive", () => {
  const header = async (change: (block: Buffer) => void, end = 2048): Promise<string> => {
    const path = join(await temporaryFolder(), "s.tar");
    await writeTar(path, [{ name: "a.jpg", content: Buffer.from("-") }]);
    const bytes = readFileSync(path);
    change(bytes);
    bytes.fill(" ", 148, 156);
    const sum = bytes.subarray(0, 512).reduce((all, byte) => all + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    await writeFile(path, bytes.subarray(0, end));
    return path;
  };
  const size = (text: string) => (block: Buffer) => void block.write(text, 124, "latin1");
  const base256 =
    (...bytes: number[]) =>
    (block: Buffer) =>
      void block.set(bytes, 124);

  it.each([
    { what: "a size past its end", change: size("77777777777\0") },
    { what: "a size that is no number", change: size("12x45678901\0") },
    { what: "a size past 2^53", change: base256(0x80, 0, 0, 0, ...new Array(8).fill(0xff)) },
    { what: "a negative size", change: base256(...new Array(12).fill(0xff)) },
    {
      what: "an extended header that holds no fields",
      change: (block: Buffer) => void block.write("x", 156),
    },
    { what: "an end in a header", change: () => undefined, end: 500 },
    { what: "an end in a photo", change: size("00000003000\0"), end: 1024 },
  ])("is a typed error: $what", async ({ change, end }) => {
    await expect(indexOf(await header(change, end))).rejects.toMatchObject({ code: "damaged-archive" });
  });

  it("is a typed error where it is none, or is packed", async () => {
    const path = join(await temporaryFolder(), "s.tar");
    await writeFile(path, `<html>${"-".repeat(2000)}`);
    await expect(indexOf(path)).rejects.toMatchObject({ code: "damaged-archive" });
    await expect(openLocalShard(`${path}.none`)).rejects.toMatchObject({ code: "missing-source" });
    await expect(openLocalShard(join(path, ".."))).rejects.toMatchObject({ code: "shard-not-readable" });
  });

  it("is noticed where it changes after it was opened", async () => {
    const path = await header(() => undefined);
    const shard = await openLocalShard(path);
    const file = await open(path, "a");
    await file.write("more");
    await file.close();
    await expect(shard.read(0, 512)).rejects.toMatchObject({ code: "shard-changed" });
  });
});
