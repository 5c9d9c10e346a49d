/** Damaged and hostile files of settings, and annotations of objects in COCO's and PASCAL VOC's form. */
import type { KeyedRandom } from "@salmask/torch";
import sharp from "sharp";
import { stringifyYaml } from "../../../packages/salmask/src/base/yaml.js";
import { pretrainSettings } from "../../../packages/salmask/src/config/schema.js";
import { toStored } from "../../../packages/salmask/src/config/stored.js";
import { damaged, type Mutate, type Mutated, noise, pick } from "./bytes.js";

/** Values that no setting and no annotation expects. */
const odd: readonly unknown[] = [
  null,
  true,
  "",
  "text",
  "a".repeat(200_000),
  -1,
  0.5,
  1e308,
  -1e308,
  2 ** 53,
  9e15,
  2 ** 31,
  65_535,
  [],
  {},
  [[]],
  [1, [2, [3]]],
  { a: { b: 1 } },
  "\u0000",
  "../../escaped",
  "/etc/passwd",
  "a/../../b\u0000.png",
  "NaN",
  "__proto__",
];

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A copy with one value, at any depth, replaced, removed or moved to another name. */
function withOdd(value: unknown, random: KeyedRandom): unknown {
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : isObject(value)
      ? Object.entries(value)
      : [];
  if (entries.length === 0 || random.integer(8) === 0) return pick(random, odd);
  const [key, inner] = pick(random, entries);
  const changed = withOdd(inner, random);
  if (Array.isArray(value)) return value.map((item, i) => (i === key ? changed : item));
  const others = entries
    .filter(([name]) => name !== key)
    .map(([name, other]) => [String(name), other] as const);
  const name =
    random.integer(6) === 0 ? pick(random, ["__proto__", "constructor", "toString", ""]) : String(key);
  // An object made of entries keeps __proto__ as a name like any other.
  return Object.fromEntries(random.integer(10) === 0 ? others : [...others, [name, changed]]);
}

type Text = (random: KeyedRandom) => string;

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

const side = 24;

/** COCO's form, of two photos, with polygons and run lengths. */
const cocoSet = {
  info: { year: 2017 },
  images: [
    { id: 1, file_name: "a.png", height: side, width: side },
    { id: 2, file_name: "b.png", height: side, width: side },
  ],
  categories: [
    { id: 1, name: "cat" },
    { id: 2, name: "dog" },
  ],
  annotations: [
    {
      id: 1,
      image_id: 1,
      category_id: 1,
      bbox: [2, 2, 8, 8],
      area: 64,
      iscrowd: 0,
      segmentation: [[2, 2, 10, 2, 10, 10, 2, 10]],
    },
    {
      id: 2,
      image_id: 1,
      category_id: 2,
      bbox: [0, 0, 24, 4],
      area: 96,
      iscrowd: 1,
      segmentation: { size: [side, side], counts: [0, 4, 20, 4, side * side - 28] },
    },
    {
      id: 3,
      image_id: 2,
      category_id: 1,
      bbox: [1, 1, 4, 4],
      area: 16,
      iscrowd: 0,
      segmentation: { size: [side, side], counts: "0T1" },
    },
  ],
};

const far = 1_000_000;

function cocoWith(segmentation: unknown, height = side, width = side): string {
  const [first, ...others] = cocoSet.annotations;
  const images = cocoSet.images.map((image) => ({ ...image, height, width }));
  return JSON.stringify({ ...cocoSet, images, annotations: [{ ...first, segmentation }, ...others] });
}

const cocos: Readonly<Record<string, Text>> = {
  "a polygon far outside": (random) =>
    cocoWith([
      Array.from(
        { length: 2 * (3 + random.integer(3000)) },
        (_, i) => (Math.floor(i / 2) % 2 === 0 ? -far : far) + random.integer(3),
      ),
    ]),
  "coordinates that are too large": (random) =>
    cocoWith([[0, 0, pick(random, [1e9, 1e308, -1e300]), 0, 4, 4]]),
  "runs of a huge photo": (random) => {
    const wide = pick(random, [20_000, 60_000, 65_535, 100_000]);
    return cocoWith({ size: [wide, wide], counts: [0, wide * wide] }, wide, wide);
  },
  "a polygon in a huge photo": (random) => {
    const wide = pick(random, [20_000, 60_000, 65_535, 2 ** 31]);
    return cocoWith([[0, 0, wide, 0, wide, wide, 0, wide]], wide, wide);
  },
  "odd runs": (random) =>
    cocoWith({
      size: [side, side],
      counts: pick(random, [
        [-1, 577],
        [0.5, 575.5],
        [2 ** 32],
        [1e308],
        "\u00ff",
        "o".repeat(100_000),
        "0".repeat(100_000),
        "",
        [],
        {},
        null,
      ]),
    }),
  "deep nesting": (random) => {
    const depth = 10 ** (2 + random.integer(4));
    return `{"images": ${"[".repeat(depth)}${random.integer(2) === 0 ? "]".repeat(depth) : ""}, "annotations": [], "categories": []}`;
  },
  "names of prototypes": (random) =>
    pick(random, [
      '{"__proto__": {"images": [], "annotations": [], "categories": []}}',
      '{"images": [{"__proto__": {"id": 1, "file_name": "a.png"}}], "annotations": [], "categories": []}',
      '{"constructor": {"prototype": {"polluted": 1}}, "images": [], "annotations": [], "categories": []}',
      JSON.stringify(cocoSet).replace('"cat"', '"__proto__"'),
    ]),
  "names that lead outside": (random) =>
    JSON.stringify(cocoSet).replace(
      "a.png",
      pick(random, [
        "../../../etc/passwd",
        "/etc/passwd",
        "a/\\u0000.png",
        "..",
        ".",
        "a".repeat(5000),
        "x/".repeat(3000),
      ]),
    ),
  "very many objects": (random) => {
    const [first] = cocoSet.annotations;
    return JSON.stringify({
      ...cocoSet,
      annotations: Array.from({ length: 20_000 }, (_, id) => ({
        ...first,
        id: random.integer(4) === 0 ? 1 : id,
      })),
    });
  },
};
const cocoNames = Object.keys(cocos);

const vocXml = `<annotation><folder>VOC</folder><filename>a.png</filename><size><width>${side}</width><height>${side}</height><depth>3</depth></size>
<object><name>cat</name><difficult>0</difficult><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>
<object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>20</xmax><ymax>24</ymax></bndbox></object></annotation>
`;

const entities = (count: number, times: number) =>
  Array.from(
    { length: count },
    (_, i) => `<!ENTITY e${i} "${i === 0 ? "lol".repeat(times) : `&e${i - 1};`.repeat(times)}">`,
  ).join("\n");

const vocs: Readonly<Record<string, Text>> = {
  "entities that grow": (random) =>
    `<!DOCTYPE annotation [${entities(3 + random.integer(12), 10)}]>${vocXml.replace("cat", `&e${2 + random.integer(9)};`)}`,
  "one long entity often": (random) =>
    `<!DOCTYPE annotation [<!ENTITY a "${"x".repeat(10_000)}">]>${vocXml.replace("cat", "&a;".repeat(1 + random.integer(20_000)))}`,
  "entities of files": (random) =>
    `<!DOCTYPE annotation [<!ENTITY x SYSTEM "${pick(random, ["file:///etc/passwd", "file:///dev/zero", "http://127.0.0.1:1/x"])}">]>${vocXml.replace("cat", "&x;")}`,
  "entities in a circle": () =>
    `<!DOCTYPE annotation [<!ENTITY a "&b;"><!ENTITY b "&a;">]>${vocXml.replace("cat", "&a;")}`,
  "deep nesting": (random) => {
    const depth = 10 ** (1 + random.integer(5));
    return pick(random, [
      `${"<a>".repeat(depth)}${"</a>".repeat(depth)}`,
      vocXml.replace("<object>", `${"<part>".repeat(depth)}${"</part>".repeat(depth)}<object>`),
      "<annotation>".repeat(depth),
    ]);
  },
  "names of prototypes": (random) =>
    pick(random, [
      vocXml.replaceAll("size>", "__proto__>"),
      vocXml.replaceAll("object>", "constructor>"),
      vocXml.replace("cat", "__proto__"),
      vocXml.replaceAll("bndbox>", "toString>"),
      "<__proto__><polluted>1</polluted></__proto__>",
    ]),
  "huge numbers": (random) =>
    vocXml.replace(
      />\d+</,
      `>${pick(random, ["1e308", "-1", "NaN", "Infinity", "99999999999999999999", "0x10", "1,5", "", " 2 "])}<`,
    ),
  "very many objects": () =>
    vocXml.replace("<object>", `${"<object><name>cat</name></object>".repeat(20_000)}<object>`),
  "elements in odd places": (random) =>
    pick(random, [
      vocXml.replace("<name>cat</name>", "<name><b>cat</b></name>"),
      vocXml.replace("<filename>a.png", "<filename>../../etc/passwd"),
      vocXml.replaceAll("annotation", "other"),
      `<annotation/>${vocXml}`,
      vocXml.replace("<object>", "<![CDATA[<object>]]><object>"),
      vocXml.replace("<bndbox>", "<bndbox/><bndbox>"),
      `<?xml version="1.0" encoding="UTF-16"?>${vocXml}`,
      "<!--".repeat(10_000) + vocXml,
      "",
    ]),
};
const vocNames = Object.keys(vocs);

const withDamage = (text: string, random: KeyedRandom) => damaged(Buffer.from(text), random);

function cocoFile(random: KeyedRandom): Pick<Mutated, "how" | "bytes"> {
  switch (random.integer(4)) {
    case 0:
      return withDamage(JSON.stringify(cocoSet), random);
    case 1:
      return { how: "odd value", bytes: Buffer.from(JSON.stringify(withOdd(cocoSet, random)) ?? "") };
    default: {
      const how = pick(random, cocoNames);
      return { how: `COCO with ${how}`, bytes: Buffer.from(cocos[how](random)) };
    }
  }
}

function vocFile(random: KeyedRandom): Pick<Mutated, "how" | "bytes"> {
  if (random.integer(3) === 0) return withDamage(vocXml, random);
  const how = pick(random, vocNames);
  return { how: `VOC with ${how}`, bytes: Buffer.from(vocs[how](random)) };
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
