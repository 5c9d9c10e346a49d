/** Damaged pictures in every format that the decoder takes. */
import { crc32, deflateSync } from "node:zlib";
import type { KeyedRandom } from "@salmask/torch";
import sharp, { type Sharp } from "sharp";
import { damaged, type Mutate, type Mutated, noise, pick } from "./bytes.js";

type Named = readonly [name: string, bytes: Buffer];

/** Small pictures of every format and of the variants that are decoded in other ways. */
async function wholePictures(random: KeyedRandom): Promise<Named[]> {
  const [width, height] = [37, 29];
  const frames = 3;
  const raw = (channels: 1 | 3 | 4, high = height) => ({ raw: { width, height: high, channels } });
  const colours = noise(random, width * height * 4);
  const rgb = () => sharp(colours.subarray(0, width * height * 3), raw(3)).blur(2);
  const rgba = () => sharp(colours, raw(4)).blur(2);
  const grey = () => sharp(colours.subarray(0, width * height), raw(1)).blur(2);
  const film = () =>
    sharp(noise(random, width * height * frames * 3), {
      raw: { width, height: height * frames, channels: 3, pageHeight: height },
    });
  const made: [string, Sharp][] = [
    ["plain.jpg", rgb().jpeg()],
    ["progressive.jpg", rgb().jpeg({ progressive: true })],
    ["grey.jpg", grey().jpeg()],
    ["cmyk.jpg", rgb().toColourspace("cmyk").jpeg()],
    ["turned.jpg", rgb().jpeg().withMetadata({ orientation: 6 })],
    ["profile.jpg", rgb().jpeg().withIccProfile("p3")],
    ["plain.png", rgb().png()],
    ["alpha.png", rgba().png()],
    ["grey.png", grey().png()],
    ["palette.png", rgb().png({ palette: true })],
    ["interlaced.png", rgba().png({ progressive: true })],
    ["deep.png", rgb().toColourspace("rgb16").png()],
    ["lossy.webp", rgb().webp()],
    ["lossless.webp", rgba().webp({ lossless: true })],
    ["film.webp", film().webp()],
    ["still.gif", rgb().gif()],
    ["film.gif", film().gif()],
    ["plain.tiff", rgb().tiff({ compression: "none" })],
    ["lzw.tiff", rgba().tiff({ compression: "lzw" })],
    ["deflate.tiff", grey().tiff({ compression: "deflate", predictor: "horizontal" })],
    ["jpeg.tiff", rgb().tiff({ compression: "jpeg" })],
    ["tiled.tiff", rgb().tiff({ tile: true, tileWidth: 16, tileHeight: 16, pyramid: true })],
    ["plain.avif", rgb().avif({ effort: 0 })],
    ["alpha.avif", rgba().avif({ effort: 0 })],
    ["deep.avif", rgb().avif({ effort: 0, bitdepth: 10 })],
  ];
  return Promise.all(made.map(async ([name, picture]) => [name, await picture.toBuffer()] as const));
}

const pngSignature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

interface PngKind {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA. */
  readonly colour: number;
  readonly interlaced?: boolean;
}

const channelsOf = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

function pngOf(
  { width, height, bits, colour, interlaced = false }: PngKind,
  data: Buffer,
  extra: Buffer[] = [],
) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colour, 0, 0, interlaced ? 1 : 0], 8);
  const palette = colour === 3 ? [pngChunk("PLTE", Buffer.alloc(6, 90))] : [];
  return Buffer.concat([
    pngSignature,
    pngChunk("IHDR", header),
    ...extra,
    ...palette,
    pngChunk("IDAT", data),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Bytes of the rows, each with its filter; those of an interlaced picture are about as many. */
function rowBytes({ width, height, bits, colour }: PngKind): number {
  return height * (1 + Math.ceil((width * bits * (channelsOf.get(colour) ?? 1)) / 8));
}

/** A small file that decodes to very many pixels, all black. */
function pngBomb(kind: PngKind): Buffer {
  const slack = kind.interlaced ? 8 * (kind.width + kind.height) : 0;
  return pngOf(kind, deflateSync(Buffer.alloc(rowBytes(kind) + slack), { level: 9 }));
}

const bombs: readonly PngKind[] = [
  { width: 16_000, height: 16_000, bits: 1, colour: 0 },
  { width: 16_384, height: 16_384, bits: 1, colour: 3 },
  { width: 12_000, height: 12_000, bits: 8, colour: 2 },
  { width: 8_000, height: 8_000, bits: 16, colour: 6 },
  { width: 15_000, height: 15_000, bits: 2, colour: 0, interlaced: true },
  { width: 10_000, height: 10_000, bits: 8, colour: 6, interlaced: true },
  { width: 1_000_000, height: 250, bits: 8, colour: 0 },
  { width: 250, height: 1_000_000, bits: 8, colour: 4 },
  { width: 50_000, height: 50_000, bits: 1, colour: 0 },
];

/** Text or a colour profile that takes far more memory than its file. */
function pngWithBigText(random: KeyedRandom): Buffer {
  const kind: PngKind = { width: 8, height: 8, bits: 8, colour: 2 };
  const packed = deflateSync(Buffer.alloc(2 ** 26, "x"), { level: 9 });
  const type = pick(random, ["zTXt", "iCCP", "iTXt"]);
  const head = type === "iTXt" ? "key\0\x01\0\0\0" : "key\0\0";
  const chunk = pngChunk(type, Buffer.concat([Buffer.from(head, "latin1"), packed]));
  return pngOf(kind, deflateSync(Buffer.alloc(rowBytes(kind))), Array(4).fill(chunk));
}

const sides = [0, 1, 65_535, 100_000, 2 ** 24, 2 ** 31 - 1, 2 ** 32 - 1];

/** Writes a width and a height to where a format keeps them; the bytes as they are where the place is not found. */
function withSize(name: string, bytes: Buffer, random: KeyedRandom): Buffer {
  const copy = Buffer.from(bytes);
  const [width, height] = [pick(random, sides), pick(random, sides)];
  const short = (value: number) => Math.min(value, 65_535);
  if (name.endsWith(".png")) {
    copy.writeUInt32BE(width, 16);
    copy.writeUInt32BE(height, 20);
    copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
  } else if (name.endsWith(".gif")) {
    copy.writeUInt16LE(short(width), 6);
    copy.writeUInt16LE(short(height), 8);
    const frame = copy.indexOf(0x2c, 13);
    if (frame >= 0 && frame + 9 < copy.length && random.integer(2) === 0) {
      copy.writeUInt16LE(short(width), frame + 5);
      copy.writeUInt16LE(short(height), frame + 7);
    }
  } else if (name.endsWith(".jpg")) {
    const frame = [0xc0, 0xc1, 0xc2].map((code) => copy.indexOf(Buffer.of(0xff, code))).find((at) => at >= 0);
    if (frame !== undefined) {
      copy.writeUInt16BE(short(height), frame + 5);
      copy.writeUInt16BE(short(width), frame + 7);
    }
  } else if (name.endsWith(".webp")) {
    const canvas = copy.indexOf("VP8X");
    const key = copy.indexOf(Buffer.of(0x9d, 0x01, 0x2a));
    if (canvas >= 0) {
      copy.writeUIntLE(width % 2 ** 24, canvas + 12, 3);
      copy.writeUIntLE(height % 2 ** 24, canvas + 15, 3);
    } else if (key >= 0) {
      copy.writeUInt16LE(short(width), key + 3);
      copy.writeUInt16LE(short(height), key + 5);
    }
  } else if (name.endsWith(".avif")) {
    const extent = copy.indexOf("ispe");
    copy.writeUInt32BE(width, extent + 8);
    copy.writeUInt32BE(height, extent + 12);
  } else if (name.endsWith(".tiff")) {
    setTiffTags(
      copy,
      new Map([
        [0x100, width],
        [0x101, height],
      ]),
    );
  }
  return copy;
}

/** Sets the values of tags in the first directory, as 32-bit numbers. */
function setTiffTags(tiff: Buffer, values: ReadonlyMap<number, number>): void {
  const directory = tiff.readUInt32LE(4);
  if (tiff.toString("latin1", 0, 2) !== "II" || directory + 2 > tiff.length) return;
  for (
    let i = 0, at = directory + 2;
    i < tiff.readUInt16LE(directory) && at + 12 <= tiff.length;
    i++, at += 12
  ) {
    const value = values.get(tiff.readUInt16LE(at));
    if (value === undefined) continue;
    tiff.writeUInt16LE(4, at + 2);
    tiff.writeUInt32LE(1, at + 4);
    tiff.writeUInt32LE(value, at + 8);
  }
}

/** Strips and tiles of huge or wrong size, and directories in a circle. */
function withOddTags(bytes: Buffer, random: KeyedRandom): Buffer {
  const copy = Buffer.from(bytes);
  const tags = [
    0x100, 0x101, 0x102, 0x103, 0x106, 0x111, 0x115, 0x116, 0x117, 0x142, 0x143, 0x144, 0x145, 0x153,
  ];
  const directory = copy.readUInt32LE(4);
  if (random.integer(4) === 0 && directory + 2 < copy.length) {
    const next = directory + 2 + 12 * copy.readUInt16LE(directory);
    if (next + 4 <= copy.length) copy.writeUInt32LE(directory, next);
  } else setTiffTags(copy, new Map([[pick(random, tags), pick(random, sides)]]));
  return copy;
}

/** Repeats the scans of a progressive JPEG of many pixels: each repetition makes the decoder go over all of them. */
function manyScans(large: Buffer, times: number): Buffer {
  const last = large.lastIndexOf(Buffer.of(0xff, 0xda));
  const scan = large.subarray(last, large.length - 2);
  return Buffer.concat([large.subarray(0, large.length - 2), ...Array(times).fill(scan), large.subarray(-2)]);
}

/** Content that is not decoded, whatever its name: other formats, and text that names files and entities. */
const foreign: readonly Named[] = [
  ["bmp.png", Buffer.concat([Buffer.from("BM"), Buffer.alloc(60)])],
  [
    "svg.png",
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
  ],
  ["entities.jpg", Buffer.from('<!DOCTYPE a [<!ENTITY b "&b;&b;">]><svg>&b;</svg>')],
  ["page.gif", Buffer.from("%PDF-1.7\n%%EOF\n")],
  ["script.png", Buffer.from("#!/bin/sh\ntouch canary\n")],
  ["zip.webp", Buffer.from(`PK\x03\x04${"\0".repeat(40)}`, "latin1")],
  ["heic.avif", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0heicmif1", "latin1")],
  ["empty.jpg", Buffer.alloc(0)],
];

const extensions = ["jpg", "png", "webp", "gif", "tiff", "avif"];

/** Every 40th file is a bomb, because a bomb takes seconds. */
const bombEvery = 40;

export async function images(random: KeyedRandom): Promise<Mutate> {
  const whole = await wholePictures(random);
  const tiffs = whole.filter(([name]) => name.endsWith(".tiff"));
  const packedBombs = new Map<PngKind, Buffer>();
  const large = await sharp({ create: { width: 6000, height: 6000, channels: 3, background: "teal" } })
    .jpeg({ progressive: true })
    .toBuffer();

  function bomb(random: KeyedRandom, index: number): Mutated {
    const which = Math.floor(index / bombEvery) % (bombs.length + 2);
    if (which === bombs.length) {
      return {
        how: "JPEG of many scans",
        name: "scans.jpg",
        bytes: manyScans(large, 20 + random.integer(2000)),
      };
    }
    if (which > bombs.length) {
      return { how: "PNG with text that grows", name: "text.png", bytes: pngWithBigText(random) };
    }
    const kind = bombs[which];
    const bytes = packedBombs.get(kind) ?? pngBomb(kind);
    packedBombs.set(kind, bytes);
    return { how: "PNG that grows", name: "bomb.png", bytes };
  }

  return (random, index) => {
    if (index % bombEvery === bombEvery - 1) return bomb(random, index);
    const [name, bytes] = whole[index % whole.length];
    switch (random.integer(8)) {
      case 0:
        return { how: "huge declared size", name, bytes: withSize(name, bytes, random) };
      case 1: {
        if (random.integer(3) === 0) {
          const [tiff, content] = pick(random, tiffs);
          return { how: "odd TIFF tags", name: tiff, bytes: withOddTags(content, random) };
        }
        const [other, content] = pick(random, foreign);
        return { how: "foreign content", name: other, bytes: content };
      }
      case 2: {
        const [, head] = pick(random, whole);
        const length = 4 + random.integer(28);
        const mixed = Buffer.concat([head.subarray(0, length), bytes.subarray(length)]);
        return { how: "another format's beginning", name: `head.${pick(random, extensions)}`, bytes: mixed };
      }
      default:
        return { name, ...damaged(bytes, random) };
    }
  };
}
