import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import {
  fromTypedArray,
  libtorchVersion,
  loadSafetensors,
  type nn,
  readSafetensorsMetadata,
  saveSafetensors,
  scope,
  tensor,
} from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { SalmaskError } from "../../src/base/errors.js";
import {
  listCheckpoints,
  loadCheckpoint,
  removeUnfinished,
  resumeFrom,
  saveCheckpoint,
} from "../../src/training/checkpoint.js";
import type { Position } from "../../src/training/position.js";
import { temporaryFolder } from "../support/photos.js";

const position = (step: number): Omit<Position, "libtorch"> => ({
  step,
  counters: { pointer: 3 },
  optimizerSteps: { encoder: step, occlusion: step },
  dataFingerprint: "abc",
  config: { version: 2, seed: 1 },
  seconds: 12.5,
});

/** Writes a checkpoint with some tensors of different kinds. Returns its path. */
function write(folder: string, step = 4, keep = 9): string {
  return scope(() => {
    const task = {
      weight: tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      count: fromTypedArray(Int32Array.of(7), []),
    };
    const optimizers = {
      encoder: { "weight.momentum_buffer": tensor([0.5, 0.25]) },
      occlusion: { "mask.momentum_buffer": tensor([0.125]) },
    };
    return saveCheckpoint(folder, { position: position(step), task, optimizers }, keep);
  });
}

function failureOf(fn: () => unknown): SalmaskError {
  try {
    fn();
  } catch (error) {
    if (error instanceof SalmaskError) return error;
    throw error;
  }
  throw new Error("expected an error");
}

const codeOf = (path: string) => failureOf(() => loadCheckpoint(path)).code;

/** Writes the file again with changed content, but with its original checksum. */
function rewrite(
  path: string,
  { tensors = {}, metadata = {} }: { tensors?: Record<string, () => nn.StateDict>; metadata?: object },
): void {
  scope(() => {
    const all = loadSafetensors(path);
    for (const [name, change] of Object.entries(tensors)) {
      expect(all).toHaveProperty([name]);
      delete all[name];
      Object.assign(all, change());
    }
    saveSafetensors(path, all, { ...readSafetensorsMetadata(path), ...metadata });
  });
}

describe("a checkpoint", () => {
  it("is read unchanged", async () => {
    const folder = await temporaryFolder();
    const path = write(folder);
    expect(path).toBe(join(folder, "step-000000004.safetensors"));
    using read = loadCheckpoint(path);
    expect(read.path).toBe(path);
    expect(read.position).toEqual({ ...position(4), libtorch: libtorchVersion() });
    scope(() => {
      expect(Object.keys(read.task).sort()).toEqual(["count", "weight"]);
      expect(read.task.weight.shape).toEqual([2, 3]);
      expect(read.task.weight.toArray()).toEqual([1, 2, 3, 4, 5, 6]);
      expect(read.task.count.dtype).toBe("int32");
      expect(read.optimizers.encoder["weight.momentum_buffer"].toArray()).toEqual([0.5, 0.25]);
      expect(read.optimizers.occlusion["mask.momentum_buffer"].toArray()).toEqual([0.125]);
    });
  });

  it("replaces the oldest, and lists the newest first", async () => {
    const folder = await temporaryFolder();
    for (const step of [3, 6, 12]) write(folder, step, 2);
    expect(listCheckpoints(folder).map((path) => relative(folder, path))).toEqual([
      "step-000000012.safetensors",
      "step-000000006.safetensors",
    ]);
  });

  it("replaces the later ones of a run that went back, and is never removed itself", async () => {
    const folder = await temporaryFolder();
    for (const step of [1, 2, 3]) write(folder, step);
    for (const keep of [2, 1]) {
      writeFileSync(join(folder, "step-000000300.safetensors"), "damaged");
      const path = write(folder, 4, keep);
      expect(listCheckpoints(folder)).toEqual(
        [path, join(folder, "step-000000003.safetensors")].slice(0, keep),
      );
    }
  });

  it("can contain the same content again", async () => {
    const path = write(await temporaryFolder());
    rewrite(path, {});
    using read = loadCheckpoint(path);
    expect(read.position.step).toBe(4);
  });

  const moved = JSON.stringify({ ...position(5), libtorch: libtorchVersion() });
  it.each<[string, Parameters<typeof rewrite>[1]]>([
    ["the position", { metadata: { position: moved } }],
    [
      "the order of the position's words",
      { metadata: { position: ` ${moved.replace('"step":5', '"step":4')}` } },
    ],
    [
      "a name",
      {
        tensors: {
          "task.weight": () => ({
            "task.height": tensor([
              [1, 2, 3],
              [4, 5, 6],
            ]),
          }),
        },
      },
    ],
    [
      "a shape",
      {
        tensors: {
          "task.weight": () => ({
            "task.weight": tensor([
              [1, 2],
              [3, 4],
              [5, 6],
            ]),
          }),
        },
      },
    ],
    [
      "a shape without its ones",
      { tensors: { "task.count": () => ({ "task.count": fromTypedArray(Int32Array.of(7), [1]) }) } },
    ],
    [
      "a type of the same bits",
      {
        tensors: {
          "optimizer.encoder.weight.momentum_buffer": () => ({
            "optimizer.encoder.weight.momentum_buffer": fromTypedArray(
              new Int32Array(Float32Array.of(0.5, 0.25).buffer),
              [2],
            ),
          }),
        },
      },
    ],
    [
      "the last bit of a number",
      {
        tensors: {
          "optimizer.occlusion.mask.momentum_buffer": () => ({
            "optimizer.occlusion.mask.momentum_buffer": tensor([0.125 * (1 + 2 ** -23)]),
          }),
        },
      },
    ],
    ["that a tensor is there", { tensors: { "task.count": () => ({}) } }],
    ["the checksum", { metadata: { sha256: "0".repeat(64) } }],
  ])("is damaged where %s was changed", async (_, change) => {
    const path = write(await temporaryFolder());
    rewrite(path, change);
    expect(codeOf(path)).toBe("damaged-checkpoint");
  });

  it("is damaged if any byte is changed, or the end is missing", async () => {
    const path = write(await temporaryFolder());
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = Buffer.from(whole);
      bytes[at] ^= 1;
      writeFileSync(path, bytes);
      // A changed byte in the name of the format makes it another format.
      expect(["damaged-checkpoint", "not-a-checkpoint", "later-checkpoint"], `byte ${at}`).toContain(
        codeOf(path),
      );
    }
    for (const length of [0, 4, 100, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      expect(codeOf(path)).toBe("damaged-checkpoint");
    }
  });
});

describe("a file that is not a checkpoint of this version", () => {
  it("is reported as what it is", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "step-000000001.safetensors");
    expect(failureOf(() => loadCheckpoint(path))).toMatchObject({
      code: "missing-checkpoint",
      message: `Expected a checkpoint at ${path}, got nothing there.`,
    });
    scope(() => saveSafetensors(path, { weight: tensor([1]) }, { format: "pt" }));
    expect(failureOf(() => loadCheckpoint(path))).toMatchObject({
      code: "not-a-checkpoint",
      message: `Expected a checkpoint in ${path}, got a file of weights.`,
    });
    scope(() => saveSafetensors(path, { weight: tensor([1]) }));
    expect(codeOf(path)).toBe("not-a-checkpoint");
    scope(() => saveSafetensors(path, { weight: tensor([1]) }, { format: "salmask-checkpoint-3" }));
    expect(failureOf(() => loadCheckpoint(path))).toMatchObject({
      code: "later-checkpoint",
      message: expect.stringContaining("got salmask-checkpoint-3"),
    });
    await writeFile(path, "a text of some length, so that there are eight bytes");
    expect(codeOf(path)).toBe("damaged-checkpoint");
  });
});

describe("resuming", () => {
  it("uses the newest, or the given one", async () => {
    const folder = await temporaryFolder();
    const [older] = [3, 6].map((step) => write(folder, step));
    using newest = resumeFrom(folder);
    using given = resumeFrom(folder, older);
    expect([newest, given].map(({ position }) => position.step)).toEqual([6, 3]);
  });

  it("finds nothing in an empty folder, or in one that does not exist", async () => {
    const folder = await temporaryFolder();
    for (const at of [folder, join(folder, "none")])
      expect(failureOf(() => resumeFrom(at)).code).toBe("no-checkpoint");
  });

  it("offers the newest older one that is complete, for any way of naming the damaged one", async () => {
    const folder = await temporaryFolder();
    const [oldest, damaged, newest, later] = [3, 6, 9, 12].map((step) => write(folder, step));
    for (const path of [damaged, newest]) writeFileSync(path, readFileSync(path).subarray(0, -1));
    const copied = join(await temporaryFolder(), "step-000000009.safetensors");
    copyFileSync(newest, copied);
    for (const given of [newest, relative(process.cwd(), newest), copied]) {
      const { code, message } = failureOf(() => resumeFrom(folder, given));
      expect(code).toBe("damaged-checkpoint");
      expect(message).toContain(`whole (step 3). To go on from there: --resume ${oldest}`);
    }
    writeFileSync(oldest, "");
    expect(failureOf(() => resumeFrom(folder, newest)).message).toContain(
      "No earlier checkpoint can be read.",
    );
    using whole = resumeFrom(folder);
    expect(whole.path).toBe(later);
  });

  it("does not offer an older one in place of a later format", async () => {
    const folder = await temporaryFolder();
    write(folder, 3);
    rewrite(write(folder, 6), { metadata: { format: "salmask-checkpoint-9" } });
    expect(failureOf(() => resumeFrom(folder)).code).toBe("later-checkpoint");
  });
});

describe("the rest of a checkpoint whose writing was interrupted", () => {
  it("is removed, and nothing else is", async () => {
    const folder = await temporaryFolder();
    const kept = [".note.tmp", "step-000000003.safetensors", "step-000000003.safetensors.tmp"];
    const left = [".step-000000006.safetensors.123.abc.tmp", ".step-1234567890.safetensors.9.f00.tmp"];
    for (const name of [...kept, ...left]) await writeFile(join(folder, name), "");
    removeUnfinished(folder);
    expect((await readdir(folder)).sort()).toEqual(kept);
    removeUnfinished(join(folder, "none"));
  });
});
