/** Damaged and hostile files of PyTorch (`.pth`), in its zip format and in the one of before 1.6. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import type { KeyedRandom } from "@salmask/torch";
import { findPython } from "../../../packages/torch/test/support/python.js";
import { damaged, type Mutate, noise, pick } from "./bytes.js";
import {
  build,
  emptyDict,
  emptyList,
  emptyTuple,
  global,
  int,
  list,
  newObject,
  no,
  none,
  orderedDict,
  type Pickled,
  persistent,
  pickle,
  reduce,
  text,
  tuple,
  withItems,
} from "./pickle.js";
import { elements, type Format, pthOf, state, tensorOf } from "./pth-files.js";
import { zipOf } from "./zip.js";

const canary = "open('canary', 'w').close()";

type Attack = (format: Format, random: KeyedRandom) => Buffer;

const calls: readonly Pickled[] = [
  reduce(global("os", "system"), tuple(text("touch canary"))),
  reduce(global("posix", "system"), tuple(text("touch canary"))),
  reduce(global("builtins", "eval"), tuple(text(canary))),
  reduce(global("builtins", "exec"), tuple(text(canary))),
  reduce(global("__builtin__", "eval"), tuple(text(canary))),
  reduce(global("subprocess", "Popen"), tuple(list(text("touch"), text("canary")))),
  reduce(global("torch", "load"), tuple(text("/etc/passwd"))),
  reduce(global("torch.hub", "load_state_dict_from_url"), tuple(text("http://127.0.0.1:1/x"))),
  reduce(global("child_process", "execSync"), tuple(text("touch canary"))),
  reduce(global("globalThis", "eval"), tuple(text("require('fs').writeFileSync('canary', '')"))),
  reduce(global("", "constructor"), tuple(text("return process"))),
  reduce(global("__proto__", "constructor"), tuple(text("x"))),
  reduce(global("collections", "OrderedDict"), tuple(list(tuple(text("__proto__"), text("x"))))),
];

const classes: readonly Pickled[] = [
  newObject(global("models.common", "Model"), emptyTuple),
  build(
    newObject(global("argparse", "Namespace"), emptyTuple),
    withItems(emptyDict, [[text("epochs"), int(3)]]),
  ),
  build(orderedDict, withItems(emptyDict, [[text("__proto__"), text("x")]])),
  global("torch.nn.modules.conv", "Conv2d"),
  global("os.path", "join"),
  global("toString", "valueOf"),
  reduce(
    global("numpy.core.multiarray", "_reconstruct"),
    tuple(global("numpy", "ndarray"), tuple(int(0)), text("b")),
  ),
  reduce(global("torch._utils", "_rebuild_parameter"), tuple(none, no, orderedDict)),
  reduce(global("torch._utils", "_rebuild_tensor_v2"), emptyTuple),
  reduce(global("torch._utils", "_rebuild_tensor_v2"), tuple(int(1), int(2), int(3), int(4), int(5), int(6))),
  reduce(global("torch", "FloatStorage"), tuple(int(2 ** 31 - 1))),
  persistent(text("storage")),
  persistent(tuple(text("module"), int(1), int(2))),
  persistent(none),
];

const opcodes = [
  ..."(.012FIJKLMNPQRSTUVX]abcdeghijloqrstu})GB\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95",
];

const attacks: Readonly<Record<string, Attack>> = {
  "calls of code": (format, random) => {
    const call = pick(random, calls);
    return pthOf(
      format,
      pick(random, [
        call,
        state(call),
        tuple(call, state(tensorOf(format))),
        withItems(orderedDict, [[call, int(1)]]),
      ]),
    );
  },
  "foreign classes": (format, random) => {
    const cls = pick(random, classes);
    return pthOf(format, pick(random, [cls, state(cls), state(tensorOf(format), cls)]));
  },
  "deep nesting": (format, random) => {
    const depth = 10 ** (2 + random.integer(4));
    const opened = Buffer.from(pick(random, ["(", "](", "}(X\x01\0\0\0a", "((("]), "latin1");
    const closed = Buffer.from(pick(random, ["t", "e", "u", ""]), "latin1");
    return pthOf(format, Buffer.concat([...Array(depth).fill(opened), int(1), ...Array(depth).fill(closed)]));
  },
  "a list that holds itself": (format, random) =>
    pthOf(
      format,
      Buffer.from(pick(random, ["]q\0h\0a", "]q\0(h\0h\0h\0e", "}q\0(X\x01\0\0\0ah\0u"]), "latin1"),
    ),
  "copies that grow": (format) => {
    const start = Buffer.from("]q\0(K\x01K\x01e", "latin1");
    const levels = Array.from({ length: 60 }, (_, i) =>
      Buffer.from(`]q${String.fromCharCode(i + 1)}(${`h${String.fromCharCode(i)}`.repeat(9)}e`, "latin1"),
    );
    return pthOf(format, Buffer.concat([start, ...levels]));
  },
  "overlapping storages": (format) =>
    pthOf(
      format,
      state(
        tensorOf(format),
        tensorOf(format, { offset: 6, size: [6], stride: [1] }),
        tensorOf(format, { size: [12], stride: [1] }),
      ),
    ),
  "storage out of range": (format, random) =>
    pthOf(
      format,
      state(
        tensorOf(format, {
          offset: pick(random, [0, 11, 12, 2 ** 31 - 1, 2n ** 40n, -1, -(2 ** 31)]),
          size: pick(random, [
            [3, 5],
            [13],
            [2 ** 31 - 1],
            [2n ** 62n],
            [2 ** 16, 2 ** 16, 2 ** 16, 2 ** 16],
            [-3, -4],
            [3, 4],
          ]),
          stride: pick(random, [
            [4, 1],
            [1],
            [0, 0],
            [-4, 1],
            [2n ** 40n, 1],
            [2 ** 31 - 1, 2 ** 31 - 1],
            [1, 1, 1, 1],
          ]),
        }),
      ),
    ),
  "a broadcast of one number": (format, random) =>
    pthOf(format, state(tensorOf(format, { size: [10 ** (4 + random.integer(4)), 1000], stride: [0, 0] }))),
  "storage of another size": (format, random) =>
    pthOf(
      format,
      state(
        tensorOf(format, {
          storage: { elements: pick(random, [0, 1, 13, 2 ** 31 - 1, 2n ** 40n, 2n ** 62n, -1]) },
        }),
      ),
    ),
  "storage that is missing": (format, random) =>
    pthOf(
      format,
      state(
        tensorOf(format, {
          storage: { key: pick(random, ["2", "", "../0", "../../../etc/passwd", "__proto__", "0\0"]) },
        }),
      ),
    ),
  "storage of another type": (format, random) => {
    const names = [
      "HalfStorage",
      "BFloat16Storage",
      "DoubleStorage",
      "LongStorage",
      "QInt8Storage",
      "ComplexFloatStorage",
      "UntypedStorage",
      "__class__",
    ];
    return pthOf(
      format,
      state(
        tensorOf(format, {
          storage: {
            type: pick(random, [...names.map((name) => global("torch", name)), text("float"), none]),
          },
        }),
      ),
    );
  },
  "no tensors": (format, random) =>
    pthOf(
      format,
      pick(random, [
        emptyList,
        emptyDict,
        none,
        int(1),
        text("x"),
        emptyTuple,
        state(),
        list(tensorOf(format)),
      ]),
    ),
  "odd names": (format, random) =>
    pthOf(
      format,
      withItems(orderedDict, [
        [
          pick(random, [
            text("__proto__"),
            text("constructor"),
            int(1),
            none,
            emptyTuple,
            text("a".repeat(100_000)),
          ]),
          tensorOf(format),
        ],
      ]),
    ),
  "lengths that lie": (format, random) =>
    pthOf(
      format,
      state(
        pick(random, [
          text("a", 2 ** 32 - 1),
          text("a", 2 ** 31),
          text("a", 1000),
          Buffer.from("\x8a\xff\x01", "latin1"),
          Buffer.from("\x8b\xff\xff\xff\x7f\x01", "latin1"),
          Buffer.from("B\xff\xff\xff\xff", "latin1"),
          Buffer.from("\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "latin1"),
        ]),
      ),
    ),
  "odd opcodes": (format, random) =>
    pthOf(
      format,
      Buffer.from(
        Array.from({ length: 1 + random.integer(40) }, () => pick(random, opcodes)).join(""),
        "latin1",
      ),
    ),
  "noise for a pickle": (format, random) => pthOf(format, noise(random, 1 + random.integer(500))),
  "a zip that lies": (_, random) => {
    const bytes = pickle(state(tensorOf("zip")));
    const data = Buffer.alloc(4 * elements, 1);
    const lie = {
      [pick(random, ["packed", "size", "check", "method", "offset", "flags"])]: pick(random, [
        0,
        1,
        8,
        99,
        2 ** 31,
        2 ** 32 - 1,
        65_535,
      ]),
    };
    const files = [
      { name: "archive/data.pkl", bytes },
      { name: "archive/data/0", bytes: data },
    ];
    const which = random.integer(2);
    return zipOf(
      files.map((one, i) => (i === which ? { ...one, says: lie } : one)),
      pick(random, [2, 2, 2, 0, 1, 65_535]),
    );
  },
  "a zip that grows": () => {
    const size = 2 ** 28;
    const packed = deflateRawSync(Buffer.alloc(size), { level: 9 });
    return zipOf([
      { name: "archive/data.pkl", bytes: packed, says: { method: 8, size } },
      { name: "archive/data/0", bytes: packed, says: { method: 8, size } },
    ]);
  },
  "odd names in a zip": (format, random) =>
    pthOf(format, state(tensorOf(format)), [
      {
        name: pick(random, [
          "../escaped",
          "/escaped",
          "archive/data.pkl",
          "archive/data/0",
          "other/data.pkl",
          "",
          "__proto__",
        ]),
        bytes: Buffer.from("x"),
      },
    ]),
  "another kind of file": (_, random) =>
    pick(random, [
      Buffer.alloc(0),
      Buffer.from("PK"),
      zipOf([]),
      Buffer.from("\x80\x02."),
      Buffer.from("<html>"),
      pickle(int(1)),
      pickle(state(tensorOf("zip"))),
    ]),
};
const attackNames = Object.keys(attacks);

/** What Python's own torch.save writes in both formats; none where Python has no torch. */
function fromPython(): Buffer[] {
  const folder = mkdtempSync(join(tmpdir(), "salmask-faults-"));
  const script = `
import sys, torch
torch.manual_seed(0)
state = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).state_dict()
for name, new in (("zip", True), ("legacy", False)):
    torch.save({"state_dict": state, "epoch": 3, "arch": "x"}, sys.argv[1] + "/" + name, _use_new_zipfile_serialization=new)
`;
  try {
    execFileSync(findPython(), ["-c", script, folder], { cwd: folder, stdio: "ignore" });
    return ["zip", "legacy"].map((name) => readFileSync(join(folder, name)));
  } catch {
    return [];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function pths(): Mutate {
  const formats = ["zip", "legacy"] as const;
  const own = formats.map((format) =>
    pthOf(format, state(tensorOf(format), tensorOf(format, { storage: { key: "1" } }))),
  );
  const whole = [...own, ...fromPython()];
  return (random, index) => {
    const name = "weights.pth";
    if (random.integer(3) === 0) return { name, ...damaged(whole[index % whole.length], random) };
    const how = pick(random, attackNames);
    return { how, name, bytes: attacks[how](formats[index % 2], random) };
  };
}
