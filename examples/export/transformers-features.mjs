/**
 * Features of photos by an export of `salmask export RUN --to onnx`, with transformers.js.
 *
 * usage: node transformers-features.mjs EXPORT PHOTO...
 *
 * EXPORT is the export's folder. Prints JSON: one list of features per photo. Needs the package @huggingface/transformers.
 */
import { basename, dirname, resolve } from "node:path";
import { env, pipeline } from "@huggingface/transformers";

const [folder, ...photos] = process.argv.slice(2);
const path = resolve(folder);
env.allowRemoteModels = false;
env.localModelPath = dirname(path);

const extract = await pipeline("image-feature-extraction", basename(path), { dtype: "fp32" });
const features = await extract(photos, { pool: true }); // [photos, features]
console.log(JSON.stringify(features.tolist()));
await extract.dispose();
