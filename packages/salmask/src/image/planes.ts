import { endianness } from "node:os";

const isLittleEndian = endianness() === "LE";

/** Pixels `[..., 3]` of `area` positions to planes `[3, ...]`. */
export function toPlanes(pixels: Uint8Array, area: number): Uint8Array {
  const planes = new Uint8Array(3 * area);
  if (area % 4 === 0 && isLittleEndian) fourByFour(pixels, new Uint32Array(planes.buffer));
  else oneByOne(pixels, planes);
  return planes;
}

function oneByOne(pixels: Uint8Array, planes: Uint8Array): void {
  const area = planes.length / 3;
  for (let i = 0, from = 0; i < area; i++) {
    planes[i] = pixels[from++];
    planes[i + area] = pixels[from++];
    planes[i + 2 * area] = pixels[from++];
  }
}

/**
 * Four pixels at a time, three words in and three words out: half the time of single bytes, in a third of the time of
 * packing.
 */
function fourByFour(pixels: Uint8Array, planes: Uint32Array): void {
  const aligned = pixels.byteOffset % 4 === 0 ? pixels : pixels.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, planes.length);
  const area = planes.length / 3;
  for (let i = 0, from = 0; i < area; i++) {
    const a = words[from++]; // r g b r, with the first in the lowest byte
    const b = words[from++]; // g b r g
    const c = words[from++]; // b r g b
    planes[i] = (a & 0xff) | ((a >>> 24) << 8) | (b & 0xff0000) | (((c >>> 8) & 0xff) << 24);
    planes[i + area] = ((a >>> 8) & 0xff) | ((b & 0xff) << 8) | ((b >>> 24) << 16) | ((c & 0xff0000) << 8);
    planes[i + 2 * area] = ((a >>> 16) & 0xff) | (b & 0xff00) | ((c & 0xff) << 16) | (c & 0xff000000);
  }
}
