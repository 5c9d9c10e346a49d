/**
 * Photos per second from 128-pixel JPEGs into the packed cache, compared with PIL in two worker processes that fill a
 * file.
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tuneProcess } from "@salmask/torch";
import { openDataset } from "../packages/salmask/src/data/store/dataset.js";
import { jpegPhotos } from "./photos.js";
import { median, type Row } from "./rows.js";
import { Side } from "./side.js";

const photos = 8192;
const side = 128;
const rounds = 7;

export async function run(): Promise<Row[]> {
  tuneProcess();
  const scratch = await mkdtemp(join(tmpdir(), "salmask-bench-"));
  const folder = await jpegPhotos(scratch, { count: photos, side });
  const peer = Side.python(new URL("decode_peer.py", import.meta.url), folder, scratch, String(side));
  try {
    const ours = async () => {
      const cacheDir = await mkdtemp(join(scratch, "cache-"));
      const start = performance.now();
      (await openDataset(folder, { size: side, cacheDir })).close();
      const seconds = (performance.now() - start) / 1000;
      rmSync(cacheDir, { recursive: true });
      return photos / seconds;
    };
    const theirs = async () => photos / (await peer.measure("decode"));
    const speeds: { ours: number; peer: number }[] = [];
    for (let round = 0; round <= rounds; round++) {
      const speed = { ours: await ours(), peer: await theirs() };
      if (round > 0) speeds.push(speed);
    }
    return [
      {
        name: `decoding ${side}-pixel JPEGs into the cache`,
        unit: "photos/s",
        ours: median(speeds.map((speed) => speed.ours)),
        peer: median(speeds.map((speed) => speed.peer)),
        ratio: median(speeds.map((speed) => speed.ours / speed.peer)),
      },
    ];
  } finally {
    peer.close();
    rmSync(scratch, { recursive: true });
  }
}
