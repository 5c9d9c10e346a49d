import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { expandBraces } from "../../../src/data/shards/braces.js";
import { findShards } from "../../../src/data/shards/find-shards.js";
import { temporaryFolder, writeFiles } from "../fixtures.js";

it("counts and lists in braces as bash does", () => {
  expect(expandBraces("a{08..11}.tar")).toEqual(["a08.tar", "a09.tar", "a10.tar", "a11.tar"]);
  expect(expandBraces("{2..0}")).toEqual(["2", "1", "0"]);
  expect(expandBraces("{x,y}-{0..1}")).toEqual(["x-0", "x-1", "y-0", "y-1"]);
  expect(expandBraces("plain.tar")).toEqual(["plain.tar"]);
  expect(() => expandBraces("{0..9999999}")).toThrow(/at most 1000000 shards/);
  expect(() => expandBraces("{0..999}{0..999}{0..9}")).toThrow(/at most 1000000 shards/);
  expect(() => expandBraces("{a..c}")).toThrow(/a range such as/);
});

it("takes a folder of shards, a list, and paths or addresses with braces, and nothing else", async () => {
  const root = await temporaryFolder();
  const files = { "b.tar": "-", "a.tar": "-", "a.idx": "-", ".hidden.tar": "-" };
  await writeFiles(join(root, "shards"), files);
  await writeFiles(join(root, "mixed"), { "a.tar": "-", "photo.jpg": "-" });
  await writeFiles(join(root, "folders"), { "a.tar": "-", "dog/1.jpg": "-" });
  const shards = join(root, "shards");
  const both = [join(shards, "a.tar"), join(shards, "b.tar")];
  expect(await findShards(shards)).toEqual({ path: shards, addresses: both });
  expect(await findShards(join(shards, "{b,a}.tar"))).toMatchObject({ addresses: both.toReversed() });
  const list = join(root, "list.txt");
  await writeFile(list, "# ours\nshards/{a,b}.tar\n\nhttps://host/x.tar?key=1\n");
  expect(await findShards(list)).toEqual({ path: list, addresses: [...both, "https://host/x.tar?key=1"] });
  expect(await findShards("http://host/{0..1}.tar?key=1")).toEqual({
    path: "http://host/{0..1}.tar",
    addresses: ["http://host/0.tar?key=1", "http://host/1.tar?key=1"],
  });
  for (const other of [join(root, "mixed"), join(root, "folders"), join(shards, "a.tar"), join(root, "no")])
    expect(await findShards(other)).toBeNull();
  await writeFile(list, "photos of my cat\n");
  expect(await findShards(list)).toBeNull();
});

it.each([
  ["s3://bucket/{0..9}.tar", /behind http: or https:.*got s3:/],
  ["file:///etc/{a,b}.tar", /got file:/],
  ["https://me:secret@host/a.tar", /a password in it/],
  ["https://host/a.tar.gz", /Unpack it to \.tar/],
  ["https://host/index.html", /addresses of \.tar files/],
  ["/tmp/{a,a}.tar", /a\.tar twice/],
])("refuses %s", async (text, message) => {
  const refused = findShards(text);
  await expect(refused).rejects.toThrow(message);
  await expect(refused).rejects.toMatchObject({ code: "bad-shards", exitCode: 2 });
});
