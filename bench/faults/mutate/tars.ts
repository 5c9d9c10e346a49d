/** Damaged and hostile archives of photos. */
import { gzipSync } from "node:zlib";
import type { KeyedRandom } from "@salmask/torch";
import sharp from "sharp";
import { damaged, type Mutate, noise, pick } from "./bytes.js";

interface Entry {
  readonly name: string;
  readonly content?: Buffer;
  /** POSIX: 0 file, 1 link, 2 symbolic link, 3 and 4 devices, 5 folder, 6 pipe; x and g extended headers, L GNU's long name. */
  readonly type?: string;
  readonly link?: string;
  /** The 12 bytes of the size, where they are not the content's. */
  readonly size?: Buffer;
  readonly checksum?: number;
}

const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, "0")}\0`;

/** An entry with its header (POSIX ustar), padded to blocks of 512 bytes. */
function entry({ name, content = Buffer.alloc(0), type = "0", link = "", size, checksum }: Entry): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, "utf8");
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(content.length, 12), 124);
  size?.copy(header, 124);
  header.write(octal(0, 12), 136);
  header.write(" ".repeat(8), 148);
  header.write(type, 156);
  header.write(link, 157, 100, "utf8");
  header.write("ustar\x0000", 257, "latin1");
  const sum = checksum ?? header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

const end = Buffer.alloc(1024);

/** A record of an extended header: its length counts itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (`${length}`.length + Buffer.byteLength(rest) !== length)
    length = `${length}`.length + Buffer.byteLength(rest);
  return `${length}${rest}`;
}

const base256 = (first: number, value: bigint) => {
  const bytes = Buffer.alloc(12, first === 0xff ? 0xff : 0);
  bytes[0] = first;
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 4);
  return bytes;
};

const hugeSizes = [
  Buffer.from("77777777777\0"),
  Buffer.from("777777777777"),
  base256(0x80, 2n ** 62n),
  base256(0x80, 2n ** 53n),
  base256(0x80, 2n ** 31n),
  base256(0xff, -1n),
  base256(0xff, -(2n ** 62n)),
  Buffer.from("-0000000100\0"),
  Buffer.from("9999999999x\0"),
  Buffer.alloc(12, " "),
  Buffer.alloc(12),
  Buffer.from("00002000000\0"),
];

type Build = (random: KeyedRandom) => Buffer;

/** `outside` is a folder that nothing may be written to. */
export async function tars(random: KeyedRandom, outside: string): Promise<Mutate> {
  const photos = await Promise.all(
    ["png", "jpeg", "webp"].map((format) =>
      sharp(noise(random, 20 * 20 * 3), { raw: { width: 20, height: 20, channels: 3 } })
        .toFormat(format === "jpeg" ? "jpeg" : format === "png" ? "png" : "webp")
        .toBuffer(),
    ),
  );
  const files = photos.flatMap((content, i) => [
    { name: `photos/a/${i}.${["png", "jpg", "webp"][i]}`, content },
    { name: `photos/b/${i}.${["png", "jpg", "webp"][i]}`, content },
  ]);
  const whole = Buffer.concat([entry({ name: "photos/", type: "5" }), ...files.map(entry), end]);
  const [photo] = photos;
  const withFirst = (...first: Buffer[]) => Buffer.concat([...first, whole]);
  const names = [
    "../escaped.png",
    "../../../../../../escaped.png",
    "photos/../../escaped.png",
    "/escaped.png",
    `${outside}/escaped.png`,
    `./${outside}/escaped.png`,
    "photos/./.././../escaped.png",
    "..",
    "/",
    "",
    ".",
    "photos/\u0000escaped.png",
    "C:\\escaped.png",
    "..\\..\\escaped.png",
    "__proto__/escaped.png",
    "photos/a/0.png/escaped.png",
    "photos/\u202egnp.png",
    "//escaped.png",
  ];
  const targets = [
    "/etc/passwd",
    "../../../etc/passwd",
    outside,
    `${outside}/escaped.png`,
    ".",
    "/dev/zero",
    "/proc/self/mem",
  ];

  const builds: Readonly<Record<string, Build>> = {
    "names that lead outside": (random) => withFirst(entry({ name: pick(random, names), content: photo })),
    "absolute name in an extended header": (random) =>
      withFirst(
        entry({ name: "pax", type: "x", content: Buffer.from(record("path", pick(random, names))) }),
        entry({ name: "photos/x.png", content: photo }),
      ),
    "GNU's long name": (random) =>
      withFirst(
        entry({
          name: "././@LongLink",
          type: "L",
          content: Buffer.from(
            pick(random, [
              `${"../".repeat(2000)}escaped.png\0`,
              `${"a/".repeat(random.integer(100_000))}x.png\0`,
            ]),
          ),
        }),
        entry({ name: "photos/x.png", content: photo }),
      ),
    "links outside": (random) => {
      const link = pick(random, targets);
      return withFirst(
        entry({ name: "photos/link", type: pick(random, ["1", "2"]), link }),
        entry({ name: "photos/link/escaped.png", content: photo }),
        entry({ name: "photos/link.png", type: pick(random, ["1", "2"]), link }),
      );
    },
    devices: (random) =>
      withFirst(
        entry({
          name: `photos/device${random.integer(9)}.png`,
          type: pick(random, ["3", "4", "6", "7", "9", "S", "\0", "V", "Z"]),
        }),
      ),
    "huge sizes": (random) =>
      withFirst(
        entry({
          name: pick(random, ["photos/x.png", "photos/x.txt", "photos/x/"]),
          content: photo,
          size: pick(random, hugeSizes),
        }),
      ),
    "sizes in an extended header": (random) =>
      withFirst(
        entry({
          name: "pax",
          type: pick(random, ["x", "g"]),
          content: Buffer.from(
            record(
              "size",
              pick(random, ["-1", "1e20", "NaN", "99999999999999999999", "0x10", "", "8589934592", "5"]),
            ),
          ),
        }),
        entry({ name: "photos/x.png", content: photo }),
      ),
    "odd extended headers": (random) =>
      withFirst(
        entry({
          name: "pax",
          type: pick(random, ["x", "g"]),
          content: pick(random, [
            Buffer.from("99999999 path=x\n"),
            Buffer.from("0 path=x\n"),
            Buffer.from("-5 path=x\n"),
            Buffer.from("path"),
            Buffer.from(record("__proto__", "x")),
            Buffer.from(record("linkpath", "/etc/passwd")),
            Buffer.alloc(3_000_000, "1 \n"),
            Buffer.alloc(5_000_000, record("path", "x")),
            noise(random, 600),
          ]),
        }),
        entry({ name: "photos/x.png", content: photo }),
      ),
    "wrong checksum": (random) =>
      withFirst(entry({ name: "photos/x.png", content: photo, checksum: random.integer(2 ** 17) })),
    "no end": (random) => whole.subarray(0, whole.length - 1 - random.integer(1024)),
    "noise between": (random) => withFirst(noise(random, 512 * (1 + random.integer(3)))),
    "the same names again": (random) =>
      Buffer.concat([...Array(1 + random.integer(20)).fill(whole.subarray(0, -1024)), end]),
    "thousands of empty files": (random) =>
      Buffer.concat([
        ...Array.from({ length: 5000 }, (_, i) =>
          entry({ name: `photos/${i}.${pick(random, ["png", "txt", "heic"])}` }),
        ),
        end,
      ]),
    "only other files": () => Buffer.concat([entry({ name: "a.txt", content: Buffer.from("text") }), end]),
    "empty archive": (random) => pick(random, [Buffer.alloc(0), end, Buffer.alloc(1), Buffer.alloc(511)]),
  };
  const buildNames = Object.keys(builds);
  const zeros = (bytes: number) => gzipSync(Buffer.alloc(bytes), { level: 9 });
  const size = 2 ** 28;
  const sizeField = Buffer.from(octal(size, 12));
  const growing: Readonly<Record<string, () => Buffer>> = {
    "gzip that grows to zeros": () => zeros(size),
    "gzip that grows within a photo": () =>
      Buffer.concat([
        gzipSync(entry({ name: "photos/x.png", size: sizeField })),
        zeros(size),
        gzipSync(whole),
      ]),
    "gzip that grows within another file": () =>
      Buffer.concat([
        gzipSync(entry({ name: "photos/x.bin", size: sizeField })),
        zeros(size),
        gzipSync(whole),
      ]),
  };
  const growingNames = Object.keys(growing);
  const grown = new Map<string, Buffer>();
  /** Every 80th file grows, because it takes seconds. */
  const growEvery = 80;

  return (random, index) => {
    if (index % growEvery === growEvery - 1) {
      const how = growingNames[Math.floor(index / growEvery) % growingNames.length];
      const bytes = grown.get(how) ?? growing[how]();
      grown.set(how, bytes);
      return { how, name: "photos.tar.gz", bytes };
    }
    if (random.integer(4) === 0) return { name: "photos.tar", ...damaged(whole, random) };
    if (random.integer(8) === 0) {
      const { how, bytes } = damaged(gzipSync(whole), random);
      return {
        how: `${how} in gzip`,
        name: pick(random, ["photos.tar.gz", "photos.tgz", "photos.tar"]),
        bytes,
      };
    }
    const how = pick(random, buildNames);
    const bytes = builds[how](random);
    return random.integer(4) === 0
      ? { how, name: "photos.tar.gz", bytes: gzipSync(bytes) }
      : { how, name: "photos.tar", bytes };
  };
}
