import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mapOrdered } from "../../../src/base/concurrent.js";
import type { ImageSource } from "../../../src/data/sources/image-source.js";
import { openSource } from "../../../src/data/sources/source.js";
import { entriesOf, temporaryFolder, writeFiles, writeTar } from "../fixtures.js";

async function contents(source: ImageSource): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const image of source.images()) {
    found[image.name] = String(await image.read());
    image.release();
  }
  return found;
}

describe("folder", () => {
  test("yields photos by extension at every depth, in code-unit order, without hidden files", async () => {
    const root = await temporaryFolder();
    await writeFiles(root, {
      "b.JPG": "b",
      "a/deep/er/x.WebP": "x",
      "a/B.png": "B",
      "a/é.jpeg": "e",
      "Z.png": "Z",
      "notes.txt": "-",
      README: "-",
      "._b.jpg": "-",
      ".thumbnails/t.jpg": "-",
    });
    const source = await openSource(root);
    expect(source.expected).toBe(5);
    expect(Object.keys(await contents(source))).toEqual([
      "Z.png",
      "a/B.png",
      "a/deep/er/x.WebP",
      "a/é.jpeg",
      "b.JPG",
    ]);
    expect(source.summary().others).toEqual(
      new Map([
        [".txt", 1],
        ["", 1],
      ]),
    );
  });

  test("follows links to files inside, reports links that lead outside, never enters linked folders", async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await writeFiles(root, { "a.jpg": "a", "sub/b.jpg": "b" });
    await writeFiles(outside, { "secret.jpg": "s" });
    await symlink("sub/b.jpg", join(root, "inside.jpg"));
    await symlink(join(outside, "secret.jpg"), join(root, "outside.jpg"));
    await symlink("nothing.jpg", join(root, "broken.jpg"));
    await symlink(outside, join(root, "folder"));
    await symlink(root, join(root, "loop"));
    await symlink("itself", join(root, "itself"));
    await symlink("/etc/passwd/x", join(root, "below-a-file"));
    const source = await openSource(root);
    expect(await contents(source)).toEqual({ "a.jpg": "a", "inside.jpg": "b", "sub/b.jpg": "b" });
    expect(
      source
        .summary()
        .skipped.map(({ name }) => name)
        .sort(),
    ).toEqual(["broken.jpg", "folder", "loop", "outside.jpg"]);
  });

  test("lists pictures that cannot be decoded, and accepts those that can", async () => {
    const root = await temporaryFolder();
    await writeFiles(root, {
      "a.gif": "a",
      "b.TIFF": "b",
      "c.avif": "c",
      "d.HEIC": "d",
      "e/f.bmp": "f",
      "g.txt": "g",
    });
    const source = await openSource(root);
    expect(Object.keys(await contents(source))).toEqual(["a.gif", "b.TIFF", "c.avif"]);
    expect(source.summary()).toMatchObject({
      skipped: expect.arrayContaining([
        { name: "d.HEIC", reason: expect.stringContaining(".heic. Convert it") },
        { name: "e/f.bmp", reason: expect.stringContaining(".bmp. Convert it") },
      ]),
      others: new Map([[".txt", 1]]),
    });
    expect(source.summary().skipped).toHaveLength(2);
  });

  test("the folder itself may be a link", async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { "photos/a.jpg": "a" });
    await symlink(join(root, "photos"), join(root, "link"));
    expect(await contents(await openSource(join(root, "link")))).toEqual({ "a.jpg": "a" });
  });
});

describe("archive", () => {
  test.each([false, true])("yields the same files as the folder (gzip: %s)", async (gzip) => {
    const root = await temporaryFolder();
    await writeFiles(root, {
      "photos/cat/1.jpg": "1",
      "photos/dog/2.PNG": "2",
      "photos/list.csv": "-",
      "photos/cat/.x.jpg": "-",
    });
    const path = join(root, gzip ? "photos.TAR.GZ" : "photos.tar");
    await writeTar(path, await entriesOf(join(root, "photos"), "./photos/"), gzip);
    const source = await openSource(path);
    expect(await contents(source)).toEqual({ "photos/cat/1.jpg": "1", "photos/dog/2.PNG": "2" });
    expect(source.summary()).toEqual({
      commonFolder: "photos/",
      skipped: [],
      others: new Map([[".csv", 1]]),
    });
  });

  test("cleans names and leaves out links and folders", async () => {
    const path = join(await temporaryFolder(), "a.tgz");
    const content = Buffer.from("x");
    await writeTar(
      path,
      [
        { name: "folder.jpg/", type: "directory" },
        { name: "../../up.jpg", content },
        { name: "/root/abs.jpg", content },
        { name: "link.jpg", type: "symlink" },
      ],
      true,
    );
    const source = await openSource(path);
    expect(await contents(source)).toEqual({ "up.jpg": "x", "root/abs.jpg": "x" });
    expect(source.summary().commonFolder).toBe("");
  });

  test("lists links and pictures that cannot be decoded, counts other files", async () => {
    const path = join(await temporaryFolder(), "a.tar");
    const content = Buffer.from("x");
    await writeTar(path, [
      { name: "p/a.jpg", content },
      { name: "p/folder", type: "symlink" },
      { name: "p/b.jpg", type: "link" },
      { name: "p/c.heic", content },
      { name: "p/d.txt", content },
      { name: "p/.hidden", type: "symlink" },
      { name: `p/${"long".repeat(2000)}.jpg`, content },
    ]);
    const source = await openSource(path);
    expect(await contents(source)).toEqual({ "p/a.jpg": "x" });
    expect(source.summary()).toMatchObject({
      commonFolder: "p/",
      skipped: [
        {
          name: "p/folder",
          reason: expect.stringContaining("a link to /etc/passwd. Pack with tar --dereference"),
        },
        { name: "p/b.jpg", reason: expect.stringContaining("got a link") },
        { name: "p/c.heic", reason: expect.stringContaining("Convert it") },
        { reason: expect.stringContaining("name of at most 4096") },
      ],
      others: new Map([[".txt", 1]]),
    });
  });

  test("a truncated file or one that is not an archive is reported as damaged", async () => {
    const root = await temporaryFolder();
    const entries = Array.from({ length: 20 }, (_, i) => ({
      name: `${i}.jpg`,
      content: Buffer.alloc(3000, i * 7),
    }));
    for (const gzip of [false, true]) {
      const whole = join(root, gzip ? "w.tgz" : "w.tar");
      await writeTar(whole, entries, gzip);
      const { readFile } = await import("node:fs/promises");
      const bytes = await readFile(whole);
      const cut = join(root, gzip ? "c.tgz" : "c.tar");
      await writeFile(cut, bytes.subarray(0, gzip ? bytes.length - 30 : 31_000));
      await expect(contents(await openSource(cut))).rejects.toMatchObject({ code: "damaged-archive" });
    }
    await writeFile(join(root, "text.tar"), "this is a text ".repeat(100));
    await expect(contents(await openSource(join(root, "text.tar")))).rejects.toMatchObject({
      code: "damaged-archive",
    });
  });
});

describe("openSource refuses", () => {
  test("a missing path, a file of another kind", async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, "photo.jpg"), "x");
    await expect(openSource(join(root, "gone"))).rejects.toMatchObject({ code: "missing-source" });
    await expect(openSource(join(root, "photo.jpg", "x"))).rejects.toMatchObject({ code: "missing-source" });
    await expect(openSource(join(root, "photo.jpg"))).rejects.toMatchObject({ code: "not-a-source" });
  });

  test.each([
    ["photos.zip", "unzip PATH -d photos"],
    ["photos.tar.xz", "tar -xf PATH -C photos"],
    ["photos.TAR.BZ2", "tar -xf PATH -C photos"],
    ["photos.7z", "7z x PATH -ophotos"],
    ["my photos.zip", "unzip 'PATH' -d photos"],
  ])("%s, saying how to unpack it", async (name, command) => {
    const path = join(await temporaryFolder(), name);
    await writeFile(path, "x");
    await expect(openSource(path)).rejects.toMatchObject({
      code: "not-a-source",
      message: expect.stringContaining(command.replace("PATH", path)),
    });
  });

  test("accepts a folder whose name ends like an archive", async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, "x.tar"));
    await writeFiles(join(root, "x.tar"), { "a.jpg": "a" });
    expect(await contents(await openSource(join(root, "x.tar")))).toEqual({ "a.jpg": "a" });
  });
});

describe("mapOrdered", () => {
  test("keeps the order and the limit", async () => {
    let [running, most] = [0, 0];
    const results: number[] = [];
    const wait = async (i: number) => {
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done, (i * 7) % 5));
      running--;
      return i;
    };
    for await (const i of mapOrdered(
      Array.from({ length: 30 }, (_, i) => i),
      4,
      wait,
    ))
      results.push(i);
    expect(results).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(most).toBe(4);
  });

  test("passes failures on", async () => {
    const all = async () => {
      const fail = async (i: number) => {
        if (i >= 3) throw new Error(`failed at ${i}`);
        return i;
      };
      for await (const _ of mapOrdered([1, 2, 3, 4, 5], 3, fail));
    };
    await expect(all()).rejects.toThrow("failed at 3");
  });
});
