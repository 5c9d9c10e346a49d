/** Damaged and hostile annotations of objects in COCO's and PASCAL VOC's form. */
import type { KeyedRandom } from "@salmask/torch";
import { damaged, type Mutated, pick } from "./bytes.js";
import { type Text, withOdd } from "./odd.js";

export const side = 24;

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

export function cocoFile(random: KeyedRandom): Pick<Mutated, "how" | "bytes"> {
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

export function vocFile(random: KeyedRandom): Pick<Mutated, "how" | "bytes"> {
  if (random.integer(3) === 0) return withDamage(vocXml, random);
  const how = pick(random, vocNames);
  return { how: `VOC with ${how}`, bytes: Buffer.from(vocs[how](random)) };
}
