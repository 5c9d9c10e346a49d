/**
 * What a detector finds in photos, by an export of `salmask export RUN --to onnx`, with onnxruntime-node.
 *
 * usage: node onnxruntime-detections.mjs EXPORT PHOTO...
 *
 * EXPORT is the export's folder. Prints JSON: for each photo its objects, the surest first. Needs the packages onnxruntime-node and sharp.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";

const [folder, ...photos] = process.argv.slice(2);
const { categories } = JSON.parse(readFileSync(join(folder, "salmask.json"), "utf8"));
const session = await InferenceSession.create(join(folder, "onnx", "model.onnx"));
const [input] = session.inputMetadata;

async function objectsIn(path) {
  const photo = sharp(path).removeAlpha().toColourspace("srgb").raw();
  const { data: pixels, info } = await photo.toBuffer({ resolveWithObject: true }); // [height, width, 3]
  const area = info.width * info.height;
  const planes = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) planes[(i % 3) * area + Math.floor(i / 3)] = pixels[i];
  const data = input.type === "uint8" ? planes : Float32Array.from(planes);
  const shape = [1, 3, info.height, info.width];
  const { boxes, labels, scores } = await session.run({ [input.name]: new Tensor(input.type, data, shape) });
  return Array.from(scores.data, (score, i) => ({
    name: categories[Number(labels.data[i]) - 1].name,
    score,
    box: Array.from(boxes.data.subarray(4 * i, 4 * i + 4)),
  }));
}

const found = [];
for (const photo of photos) found.push(await objectsIn(photo));
console.log(JSON.stringify(found));
