/** A process that packs photos and prints its peak memory in MiB: `decoding-memory.fixture.ts PHOTOS CACHE`. */
import { resourceUsage } from "node:process";
import { openDataset } from "../../../src/data/store/dataset.js";

const [photos, cacheDir] = process.argv.slice(2);
let [length, code] = [0, ""];
try {
  const dataset = await openDataset(photos, { size: 16, cacheDir });
  length = dataset.length;
  dataset.close();
} catch (error) {
  code = error instanceof Error && "code" in error ? String(error.code) : String(error);
}
console.log(JSON.stringify({ length, code, mebibytes: resourceUsage().maxRSS / 1024 }));
