/** Damaged and hostile files of settings, and annotations of objects in the folders of sets. */
import sharp from "sharp";
import { stringifyYaml } from "../../../packages/salmask/src/base/yaml.js";
import { pretrainSettings } from "../../../packages/salmask/src/config/schema.js";
import { toStored } from "../../../packages/salmask/src/config/stored.js";
import { cocoFile, side, vocFile } from "./annotations.js";
import { damaged, type Mutate, noise, pick } from "./bytes.js";
import { type Text, withOdd } from "./odd.js";

const experiment = `name: test
question: does it
photos: photos
seeds: [0, 1]
base: {model.arch: resnet18, train.epochs: 3}
rows:
  - name: one
  - name: two
    set: {mask.ratio: [0.1, 0.4]}
`;
const transfer = `name: test
runs: [{name: a, run: runs/a}]
seeds: [0]
sets:
  - {name: CIFAR-10, path: data/cifar}
`;

/** YAML that grows, turns in circles, names code, or changes how objects behave. */
const yamls: Readonly<Record<string, Text>> = {
  "aliases that grow": (random) => {
    const levels = 4 + random.integer(30);
    const lines = Array.from({ length: levels }, (_, i) => {
      const inner = i === 0 ? "x" : `*a${i - 1}`;
      return `a${i}: &a${i} [${Array(9).fill(inner).join(", ")}]`;
    });
    return `${lines.join("\n")}\n`;
  },
  "aliases in a circle": (random) =>
    pick(random, ["a: &a [*a]\n", "a: &a {b: *a}\n", "data: &d {crop: *d}\n", "&x {model: *x}\n"]),
  "undefined aliases": () => "train: *nowhere\n",
  "merge keys": (random) =>
    pick(random, ["<<: {seed: 5}\n", "a: &a {seed: 1}\n<<: *a\n", "<<: [*b]\n", "mask: {<<: {ratio: 7}}\n"]),
  "names of code": (random) =>
    pick(random, [
      "seed: !!js/function \"function () { require('fs').writeFileSync('canary', '') }\"\n",
      'seed: !!python/object/apply:os.system ["touch canary"]\n',
      "seed: !!js/regexp /x/\n",
      "seed: !!binary aGVsbG8=\n",
      "seed: !<tag:yaml.org,2002:js/undefined> ''\n",
      "%TAG ! tag:evil,2000:\n---\nseed: !x 1\n",
      "seed: !!set {a, b}\n",
      "seed: !!timestamp 2001-01-01\n",
      "seed: !!omap [a: 1]\n",
    ]),
  "names of prototypes": (random) =>
    pick(random, [
      "__proto__: {seed: 5}\n",
      "constructor: {prototype: {polluted: yes}}\n",
      "train: {__proto__: {epochs: 5}}\n",
      "toString: 5\n",
      "data: {hasOwnProperty: 1}\n",
      '"__proto__.polluted": 1\n',
      "mask: {valueOf: 3, ratio: [0.1, 0.2]}\n",
      "prototype: 1\n",
    ]),
  "deep nesting": (random) => {
    const depth = 10 ** (1 + random.integer(4));
    return pick(random, [
      `train: ${"[".repeat(depth)}${"]".repeat(depth)}\n`,
      `train: ${"{a: ".repeat(depth)}1${"}".repeat(depth)}\n`,
      `train: ${"[".repeat(depth)}\n`,
      `${Array.from({ length: Math.min(depth, 1000) }, (_, i) => `${" ".repeat(i)}a:`).join("\n")} 1\n`,
      `${"- ".repeat(Math.min(depth, 1000))}1\n`,
    ]);
  },
  "huge numbers": (random) => {
    const key = pick(random, [
      "seed",
      "threads",
      "data.crop",
      "train.epochs",
      "train.batchSize",
      "model.width",
      "method.queue",
    ]);
    const value = pick(random, [
      "1e999",
      "-1e999",
      ".inf",
      ".nan",
      "9e15",
      "99999999999999999999",
      "0x7fffffffffffffff",
      "-0",
      "0o777",
      "1e-400",
    ]);
    const [group, name] = key.split(".");
    return name === undefined ? `${group}: ${value}\n` : `${group}: {${name}: ${value}}\n`;
  },
  "very many names": (random) =>
    Array.from({ length: 10_000 }, (_, i) => `k${i}: ${random.integer(9)}\n`).join(""),
  "a very long text": () => `data: {crop: ${"9".repeat(1_000_000)}}\n`,
  "very many anchors": () => Array.from({ length: 10_000 }, (_, i) => `k${i}: &a${i} 1\n`).join(""),
  "several documents": () => "seed: 1\n---\nseed: 2\n...\n--- !x\n",
  "names twice": () => "seed: 1\nseed: 2\n",
  "another version": (random) =>
    `version: ${pick(random, ["99", "0", "-1", "1e9", "null", "x", "[2]"])}\nseed: 1\n`,
  "another task": (random) => `task: ${pick(random, ["detect", "__proto__", "[]", "null"])}\nversion: 2\n`,
  "odd characters": (random) =>
    pick(random, [
      "\ufeffseed: 1\n",
      "seed:\t1\n",
      "\tseed: 1\n",
      "seed: 1\u0000\n",
      "seed: '\u2028'\n",
      'seed: "\\uD800"\n',
      "\u0007\n",
    ]),
};
const yamlNames = Object.keys(yamls);

/** Which reader reads a file of settings: the beginning of its name. */
export const settingsFiles = ["pretrain", "finetune", "detect", "experiment", "transfer"] as const;

function settings(): Mutate {
  const stored = toStored(pretrainSettings, pretrainSettings.schema.parse({}));
  const whole: Record<(typeof settingsFiles)[number], string> = {
    pretrain: stringifyYaml(stored),
    finetune: "train: {epochs: 3, lr: 0.1}\n",
    detect: "train: {epochs: 3}\ndetection: {masks: true}\n",
    experiment,
    transfer,
  };
  return (random) => {
    const kind = pick(random, settingsFiles);
    const name = `${kind}.yaml`;
    switch (random.integer(5)) {
      case 0:
        return { name, ...damaged(Buffer.from(whole[kind]), random) };
      case 1: {
        const changed = stringifyYaml(withOdd(stored, random));
        return { how: "odd value", name: "pretrain.yaml", bytes: Buffer.from(changed) };
      }
      case 2:
        return { how: "noise", name, bytes: noise(random, 1 + random.integer(2000)) };
      default: {
        const how = pick(random, yamlNames);
        return { how: `settings with ${how}`, name, bytes: Buffer.from(yamls[how](random)) };
      }
    }
  };
}

/** Half are settings, a quarter each COCO's and VOC's annotations, in folders of sets. */
export async function texts(): Promise<Mutate> {
  const photo = await sharp({ create: { width: side, height: side, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
  const settingsFile = settings();
  return (random, index) => {
    if (index % 2 === 0) return settingsFile(random, index);
    return index % 4 === 1
      ? {
          ...cocoFile(random),
          name: "annotations/instances_train.json",
          beside: { "train/a.png": photo, "train/b.png": photo },
        }
      : { ...vocFile(random), name: "Annotations/a.xml", beside: { "JPEGImages/a.png": photo } };
  };
}
