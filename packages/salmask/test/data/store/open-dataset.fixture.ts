/** A process that opens a data set and sends its content: `open-dataset.fixture.ts PHOTOS CACHE SIZE`. */
import { openDataset } from "../../../src/data/store/dataset.js";

const [photos, cacheDir, size] = process.argv.slice(2);
const dataset = await openDataset(photos, { size: Number(size), cacheDir });
const pixels = dataset.images(dataset.names.map((_, i) => i)).toArray();
process.send?.({ names: dataset.names, pixels }, () => process.exit(0));
