// Writes the icons that the embedded set draws to FOLDER/SET.json, for scripts/gpu.sh: all icons of the three sets have 140 MB.
// Usage, in the repository after npm run setup: node scripts/gpu-icons.mjs FOLDER
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { concepts, distractors, hands } from "../packages/salmask/dist/data/embedded/drawings.js";

const [folder] = process.argv.slice(2);
const packages = createRequire(new URL("../packages/salmask/package.json", import.meta.url));
mkdirSync(folder, { recursive: true });
for (const hand of hands) {
  const set = JSON.parse(readFileSync(packages.resolve(`@iconify-json/${hand}/icons.json`), "utf8"));
  const icons = Object.fromEntries([...concepts, ...distractors].map((name) => [name, set.icons[name]]));
  writeFileSync(join(folder, `${hand}.json`), JSON.stringify({ ...set, icons }));
}
