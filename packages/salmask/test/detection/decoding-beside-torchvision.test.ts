import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { vision } from "@salmask/torch";
import sharp from "sharp";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/photos.js";

const run = promisify(execFile);
const room = resolve(import.meta.dirname, "../..");

/** Decodes a photo many times, several at once, after torchvision's library was loaded. */
const script = `
import { readFileSync } from "node:fs";
import { vision } from "@salmask/torch";
import { decodeImage } from "./dist/image/decode.js";
vision.torchvision();
const photo = readFileSync(process.argv[1]);
for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 20 }, () => decodeImage(photo)));
console.log("decoded");
`;

it.skipIf(vision.torchvision() === null)(
  "photos are decoded by sharp's own GLib although torchvision brings another",
  async () => {
    const photo = join(await temporaryFolder(), "photo.jpg");
    const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
    await sharp({ create: { width: 640, height: 480, channels: 3, background: "white", noise } })
      // Photos that stand upright are decoded without sharp's pipeline.
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toFile(photo);
    const { stdout, stderr } = await run("node", ["--input-type=module", "-e", script, photo], { cwd: room });
    expect(stdout).toBe("decoded\n");
    expect(stderr).toBe("");
  },
);
