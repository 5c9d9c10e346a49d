/** Damaged checkpoints and files of weights in the safetensors format. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, type KeyedRandom, scope, tensor } from "@salmask/torch";
import { pretrainSettings } from "../../../packages/salmask/src/config/schema.js";
import { toStored } from "../../../packages/salmask/src/config/stored.js";
import { LocalizationNetwork } from "../../../packages/salmask/src/models/localization-network.js";
import { createBackbone } from "../../../packages/salmask/src/models/registry.js";
import { modelSettings } from "../../../packages/salmask/src/models/settings.js";
import { localizerCues } from "../../../packages/salmask/src/saliency/networks/localizer.js";
import { saveCheckpoint } from "../../../packages/salmask/src/training/checkpoint.js";
import { saveBackbone } from "../../../packages/salmask/src/weights/files.js";
import { saveLocalization } from "../../../packages/salmask/src/weights/localization.js";
import { damaged, type Mutate, pick } from "./bytes.js";

/** What a file is read as. It begins the file's name. */
type Kind = "checkpoint" | "weights" | "detector" | "localizer";

interface Parts {
  header: Record<string, unknown>;
  data: Buffer;
}

function split(bytes: Buffer): Parts {
  const length = Number(bytes.readBigUInt64LE(0));
  const header: Parts["header"] = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  return { header, data: bytes.subarray(8 + length) };
}

function joined(header: string, data: Buffer, length = BigInt(Buffer.byteLength(header))): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt.asUintN(64, length));
  return Buffer.concat([size, Buffer.from(header), data]);
}

/** A checkpoint of two small tensors. */
function checkpoint(folder: string): Buffer {
  const path = scope(() =>
    saveCheckpoint(
      folder,
      {
        position: {
          step: 4,
          counters: { pointer: 3 },
          optimizerSteps: { encoder: 4 },
          dataFingerprint: "abc",
          config: toStored(pretrainSettings, pretrainSettings.schema.parse({})),
          seconds: 12.5,
        },
        task: {
          weight: tensor([
            [1, 2, 3],
            [4, 5, 6],
          ]),
          bias: tensor([7, 8, 9]),
        },
        optimizers: { encoder: { momentum: tensor([0.5, 0.25]) } },
      },
      1,
    ),
  );
  return readFileSync(path);
}

/** A ResNet-18 of four channels with the metadata of an encoder. */
function weights(folder: string): Buffer {
  const path = join(folder, "weights.safetensors");
  scope(() => {
    const spec = modelSettings.parse({ arch: "resnet18", width: 4, stem: "small" });
    using backbone = createBackbone(spec, new Generator(0));
    saveBackbone(path, backbone, {
      crop: "32",
      mask: JSON.stringify({ fill: "mean" }),
      method: "mocov2",
    });
  });
  return readFileSync(path);
}

/** The weights of an encoder that say that they are a detector's. */
function detector(encoder: Buffer): Buffer {
  const { header, data } = split(encoder);
  const description = {
    backbone: { arch: "resnet18", width: 4, stem: "small" },
    settings: {},
    categories: [{ id: 1, name: "thing" }],
    highPass: null,
  };
  const metadata = { format: "pt", task: "detection", detector: JSON.stringify(description) };
  return joined(JSON.stringify({ ...header, __metadata__: metadata }), data);
}

/** A localization network of four channels. */
function localizer(folder: string): Buffer {
  const path = join(folder, "localizer.safetensors");
  const backbone = modelSettings.parse({ arch: "resnet18", width: 4, stem: "imagenet" });
  using network = new LocalizationNetwork({ backbone, channels: 4, cues: localizerCues }, new Generator(0));
  saveLocalization(path, { network, side: 32, rounds: 1 });
  return readFileSync(path);
}

const numbers: readonly unknown[] = [
  -1,
  -8,
  0,
  1,
  7,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  1e308,
  "12",
  null,
  true,
  [],
  {},
  [[1]],
];
const types: readonly unknown[] = [
  "F8_E4M3",
  "U64",
  "Q4",
  "f32",
  "",
  "__proto__",
  "constructor",
  "toString",
  null,
  7,
  [],
  {},
  "BOOL",
  "F64",
  "I8",
  "BF16",
];
const shapes: readonly unknown[] = [
  [2 ** 31, 2 ** 31, 2 ** 31],
  [2 ** 53 - 1, 0],
  [-1, -6],
  [0.5, 12],
  [1e308],
  [],
  null,
  "6",
  {},
  [null],
  ["2", "3"],
  [2 ** 62],
  new Array(100_000).fill(1),
  new Array(65).fill(1),
  [0, 2 ** 40],
  [2 ** 32, 2 ** 32],
];
const odd: readonly unknown[] = [
  null,
  7,
  "text",
  [],
  [1, 2],
  {},
  { deep: { deeper: { deepest: [] } } },
  -1,
  true,
];
const names = [
  "__proto__",
  "constructor",
  "",
  "a".repeat(100_000),
  "../../escaped",
  "fc.weight\0",
  "__metadata__",
];

type Change = (parts: Parts, random: KeyedRandom) => Buffer;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function tensorNames({ header }: Parts): string[] {
  return Object.keys(header).filter((name) => name !== "__metadata__");
}

/** With one field of one tensor's entry replaced. */
function withField({ header, data }: Parts, random: KeyedRandom, field: string, value: unknown): Buffer {
  const name = pick(random, tensorNames({ header, data }));
  const entry = header[name];
  return joined(
    JSON.stringify({ ...header, [name]: { ...(isObject(entry) ? entry : {}), [field]: value } }),
    data,
  );
}

/** With one text of the metadata replaced; what is JSON within it, by a change of its JSON. */
function withMetadata({ header, data }: Parts, random: KeyedRandom): Buffer {
  const metadata = isObject(header.__metadata__) ? header.__metadata__ : {};
  const key = pick(random, [...Object.keys(metadata), "format", "sha256", "crop", "mask", "__proto__"]);
  const text = String(metadata[key]);
  const changed: unknown = pick(random, [
    ...odd,
    "",
    "salmask-checkpoint-3",
    "salmask-checkpoint-1",
    "{",
    "null",
    "1e999",
    "[".repeat(100_000),
    text.slice(0, random.integer(text.length + 1)),
    text.replace(/\d+/, () => String(pick(random, numbers))),
    text.replace(/"([a-z]+)":/i, '"__proto__":'),
    text.replace(/(width":)\d+/, "$1512"),
  ]);
  const changes = Object.entries(metadata).filter(([name]) => name !== key);
  const written = JSON.stringify(changed) ?? "null";
  const pairs = [...changes.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)];
  pairs.push(`${JSON.stringify(key)}:${written}`);
  const rest = Object.entries(header).filter(([name]) => name !== "__metadata__");
  const entries = rest.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return joined(`{"__metadata__":{${pairs.join()}},${entries.join()}}`, data);
}

/** Every tensor as wide as a network that the file could not hold. */
function widened({ header, data }: Parts, random: KeyedRandom): Buffer {
  const wide = pick(random, [64, 512, 2048, 100_000]);
  const name = pick(random, ["conv1.weight", "layer4.1.conv2.weight", "layer1.0.conv1.weight"]);
  const shape = name === "conv1.weight" ? [wide, 3, 3, 3] : [wide, 4, 3, 3];
  const size = 4 * shape.reduce((product, side) => product * side, 1);
  const begin = data.length;
  const entry = { dtype: "F32", shape, data_offsets: [begin, begin + size] };
  const others = Object.entries(header).filter(([other]) => other !== name);
  const kept = new Map<string, unknown>();
  const pieces: Buffer[] = [];
  let offset = 0;
  for (const [other, value] of others) {
    const range =
      isObject(value) && Array.isArray(value.data_offsets) ? value.data_offsets.map(Number) : null;
    if (range === null) {
      kept.set(other, value);
      continue;
    }
    const piece = data.subarray(range[0], range[1]);
    pieces.push(piece);
    kept.set(other, { ...(isObject(value) ? value : {}), data_offsets: [offset, offset + piece.length] });
    offset += piece.length;
  }
  kept.set(name, { ...entry, data_offsets: [offset, offset + size] });
  return joined(JSON.stringify(Object.fromEntries(kept)), Buffer.concat([...pieces, Buffer.alloc(size)]));
}

const lengths = [
  0n,
  1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n - 8n,
  99_999_999n,
];

const changes: Readonly<Record<string, Change>> = {
  "offsets out of range": (parts, random) => {
    const offsets = pick(random, [
      [0, parts.data.length + 24],
      [parts.data.length, parts.data.length + 24],
      [2 ** 40, 2 ** 40 + 24],
      [2 ** 53 - 25, 2 ** 53 - 1],
      [24, 0],
      [pick(random, numbers), pick(random, numbers)],
      [pick(random, numbers)],
    ]);
    return withField(parts, random, "data_offsets", offsets);
  },
  "negative offsets": (parts, random) =>
    withField(parts, random, "data_offsets", [-24 - random.integer(99), -random.integer(24)]),
  "overlapping offsets": (parts, random) => {
    const other = parts.header[pick(random, tensorNames(parts))];
    return withField(parts, random, "data_offsets", isObject(other) ? other.data_offsets : null);
  },
  "odd shape": (parts, random) => withField(parts, random, "shape", pick(random, shapes)),
  "odd type": (parts, random) => withField(parts, random, "dtype", pick(random, types)),
  "odd entry": ({ header, data }, random) =>
    joined(JSON.stringify({ ...header, [pick(random, Object.keys(header))]: pick(random, odd) }), data),
  "odd name": ({ header, data }, random) => {
    const name = pick(random, tensorNames({ header, data }));
    const { [name]: entry, ...others } = header;
    const text = JSON.stringify(others).slice(0, -1);
    return joined(`${text},${JSON.stringify(pick(random, names))}:${JSON.stringify(entry)}}`, data);
  },
  "name twice": ({ header, data }, random) => {
    const name = pick(random, Object.keys(header));
    const text = JSON.stringify(header).slice(0, -1);
    return joined(`${text},${JSON.stringify(name)}:${JSON.stringify(header[name])}}`, data);
  },
  "giant header": ({ header, data }, random) => joined(JSON.stringify(header), data, pick(random, lengths)),
  "large header": ({ data }, random) =>
    joined(pick(random, ["[{},", '{"a":{},', "[[", "[0,"]).repeat(2 ** 18), data.subarray(0, 64)),
  "header that is not JSON": ({ header, data }, random) => {
    const text = JSON.stringify(header);
    return joined(
      pick(random, [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"text"',
        text.slice(1),
        `${text}{`,
        `\u0000${text}`,
        text.replace(":", "="),
      ]),
      data,
    );
  },
  "odd metadata": withMetadata,
  "wider than its file": widened,
  "data missing": ({ header, data }, random) =>
    joined(JSON.stringify(header), data.subarray(0, random.integer(data.length))),
  "data appended": ({ header, data }, random) =>
    joined(JSON.stringify(header), Buffer.concat([data, Buffer.alloc(1 + random.integer(64))])),
};
const changeNames = Object.keys(changes);

/** Every second file is no checkpoint; to build a detector takes most of a second. */
const others: readonly Kind[] = ["detector", "localizer", "weights", "weights"];

/** Also gives the whole checkpoint: what is read of a damaged one must be equal to it. */
export function tensors(): { mutate: Mutate; checkpoint: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "salmask-faults-"));
  const encoder = weights(folder);
  const whole: Record<Kind, Buffer> = {
    checkpoint: checkpoint(folder),
    weights: encoder,
    detector: detector(encoder),
    localizer: localizer(folder),
  };
  rmSync(folder, { recursive: true });
  const mutate: Mutate = (random, index) => {
    const kind = index % 2 === 0 ? "checkpoint" : others[(index % 8) >> 1];
    const name = `${kind}.safetensors`;
    if (random.integer(3) === 0) return { name, ...damaged(whole[kind], random) };
    const how = pick(random, changeNames);
    return { how, name, bytes: changes[how](split(whole[kind]), random) };
  };
  return { mutate, checkpoint: whole.checkpoint };
}
