import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { expect, it } from "vitest";
import { findPython } from "../../../../torch/test/support/python.js";
import { embed, embedDataset } from "../../../src/tasks/embed/embed.js";
import { readEmbeddings, saveEmbeddings } from "../../../src/tasks/embed/files.js";
import { flat, flatDataset } from "../../support/flat-photos.js";
import { temporaryFolder } from "../../support/photos.js";
import { openEye, writeBroken, writeEncoder, writeFlat } from "./made.js";

it("gives each photo what the encoder sees of it", async () => {
  const dataset = flatDataset([...flat("red", 0, 2), ...flat("blue", 0, 1)], ["a"]);
  using encoder = openEye();
  using embeddings = await embedDataset(encoder, dataset, {});
  const pixels = dataset.images([0, 1, 2]);
  const [shown, vectors] = [pixels.toArray(), embeddings.vectors.toArray()];
  pixels.dispose();
  expect(embeddings).toMatchObject({ paths: ["0.png", "1.png", "2.png"], skipped: [], weights: "eye" });
  for (const id of [0, 1, 2]) {
    const plane = (channel: number) => shown[(3 * id + channel) * 256] / 255;
    expect(vectors[2 * id]).toBeCloseTo((plane(0) - 0.485) / 0.229, 4);
    expect(vectors[2 * id + 1]).toBeCloseTo((plane(2) - 0.406) / 0.225, 4);
  }
});

it("leaves out photos whose features are not finite, and says which", async () => {
  const dataset = flatDataset([...flat("red", 0, 1), ...flat("blue", 0, 1), ...flat("red", 0, 1)], ["a"]);
  const warnings: string[] = [];
  // Blue photos' red lies below the mean of ImageNet, and has no logarithm.
  using encoder = openEye((features) => features.narrow(1, 0, 1).log());
  using embeddings = await embedDataset(encoder, dataset, {
    report: (event) => event.kind === "warning" && warnings.push(event.message),
  });
  expect(embeddings.paths).toEqual(["0.png", "2.png"]);
  expect(embeddings.skipped).toEqual([{ name: "1.png", reason: expect.stringContaining("NaN") }]);
  expect(embeddings.vectors.shape).toEqual([2, 1]);
  expect(embeddings.vectors.toArray().every(Number.isFinite)).toBe(true);
  expect(warnings).toEqual([expect.stringContaining("left out 1 file (1.png: ")]);
  const none = flatDataset(flat("blue", 0, 2), ["a"]);
  await expect(embedDataset(encoder, none, {})).rejects.toMatchObject({ code: "not-finite" });
});

const numpy = `
import json, sys
import numpy
a = numpy.load(sys.argv[1])
print(json.dumps({"dtype": str(a.dtype), "order": bool(a.flags.c_contiguous), "rows": a.tolist()}))
`;

it("writes what NumPy and a reader of Parquet read, and reads its own again", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeEncoder(at("encoder.safetensors"));
  for (const [i, name] of ["a b.png", "folder/ü.png", "z.png"].entries())
    await writeFlat(at(`photos/${name}`), [40 * i, 255 - 30 * i, 9 * i]);
  await writeBroken(at("photos"), "broken.jpg");
  using embeddings = await embed({
    run: at("encoder.safetensors"),
    photos: at("photos"),
    cache: at("cache"),
  });
  const paths = ["a b.png", "folder/ü.png", "z.png"];
  expect(embeddings.paths).toEqual(paths);
  expect(embeddings.skipped).toMatchObject([{ name: "broken.jpg" }]);
  const [rows, columns] = embeddings.vectors.shape;
  expect([rows, columns]).toEqual([3, 64]);
  const flatValues = embeddings.vectors.toArray();
  const values = paths.map((_, i) => flatValues.slice(i * columns, (i + 1) * columns));

  expect(await saveEmbeddings(at("e.npy"), embeddings)).toEqual([at("e.npy"), at("e.paths.json")]);
  const read = JSON.parse(execFileSync(findPython(), ["-c", numpy, at("e.npy")], { encoding: "utf8" }));
  expect(read).toEqual({ dtype: "float32", order: true, rows: values });
  expect(JSON.parse(await readFile(at("e.paths.json"), "utf8")).paths).toEqual(paths);
  using again = await readEmbeddings(at("e.npy"));
  expect(again.vectors.toArray()).toEqual(flatValues);
  expect(again).toMatchObject({ source: at("photos"), paths, weights: embeddings.weights, size: 16 });

  await saveEmbeddings(at("e.parquet"), embeddings);
  const bytes = await readFile(at("e.parquet"));
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const objects = await parquetReadObjects({ file });
  expect(objects.map(({ path }) => path)).toEqual(paths);
  expect(objects.map(({ embedding }) => Array.from(embedding))).toEqual(values);
  const { key_value_metadata: facts } = await parquetMetadataAsync(file);
  expect(facts).toContainEqual({ key: "weights", value: embeddings.weights });

  await expect(saveEmbeddings(at("e.txt"), embeddings)).rejects.toMatchObject({ code: "bad-option" });
  const whole = await readFile(at("e.npy"));
  const changed = Buffer.from(whole);
  changed[whole.length - 1] ^= 1;
  for (const wrong of [changed, whole.subarray(0, -4), Buffer.from("no"), Buffer.alloc(0)]) {
    await writeFile(at("e.npy"), wrong);
    await expect(readEmbeddings(at("e.npy"))).rejects.toMatchObject({ code: "not-embeddings" });
  }
});
