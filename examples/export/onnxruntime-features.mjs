/**
 * Features of photos by an export of `salmask export RUN --to onnx`, with onnxruntime-node.
 *
 * usage: node onnxruntime-features.mjs EXPORT PHOTO...
 *
 * EXPORT is the export's folder. Prints JSON: one list of features per photo. Needs the packages onnxruntime-node and sharp.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

/** A photo as planes of numbers from 0 to 255, [3, side, side]. */
async function planesOf(path, { side, shortSide }) {
  const photo = sharp(path).removeAlpha().toColourspace("srgb");
  const { width, height } = await photo.metadata();
  if (width !== side || height !== side) {
    const scale = shortSide / Math.min(width, height);
    const resized = { width: Math.round(width * scale), height: Math.round(height * scale) };
    photo.resize({ ...resized, fit: "fill" }).extract({
      left: Math.floor((resized.width - side) / 2),
      top: Math.floor((resized.height - side) / 2),
      width: side,
      height: side,
    });
  }
  const pixels = await photo.raw().toBuffer(); // [side, side, 3]
  const planes = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) planes[(i % 3) * side * side + Math.floor(i / 3)] = pixels[i];
  return planes;
}

const [folder, ...photos] = process.argv.slice(2);
const { input } = JSON.parse(readFileSync(join(folder, "salmask.json"), "utf8"));
const session = await InferenceSession.create(join(folder, "onnx", "model.onnx"));
const [pictures] = session.inputMetadata;
const planes = await Promise.all(photos.map((photo) => planesOf(photo, input)));
const batch = Buffer.concat(planes); // [photos, 3, side, side]
const data = pictures.type === "uint8" ? new Uint8Array(batch) : Float32Array.from(batch);
const shape = [photos.length, 3, input.side, input.side];
const { pooler_output: features } = await session.run({
  [pictures.name]: new Tensor(pictures.type, data, shape),
});
const [, length] = features.dims;
const rows = photos.map((_, i) => Array.from(features.data.subarray(i * length, (i + 1) * length)));
console.log(JSON.stringify(rows));
