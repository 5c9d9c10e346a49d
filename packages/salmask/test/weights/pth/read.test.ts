import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KeyedRandom, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { runPython } from "../../../../torch/test/support/run-python.js";
import { CheckpointError } from "../../../src/base/errors.js";
import { readPth } from "../../../src/weights/pth/read.js";
import { temporaryFolder } from "../../support/photos.js";

interface Fact {
  shape: number[];
  dtype: string;
  values: number[];
}

/** Files that do not hold what they say, with the code of the error. */
const wrong: Readonly<Record<string, readonly string[]>> = {
  "foreign-class": ["harm-new", "harm-old", "module-new", "other-type"],
  "no-tensors": ["none"],
  "not-a-pth": ["text", "nothing", "missing", "counted"],
  "damaged-pth": [
    ...[
      "nested",
      "beyond",
      "negative-offset",
      "negative-size",
      "negative-stride",
      "huge-stride",
      "huge-size",
    ],
    ...["expanded", "huge-storage", "other-size", "no-storage", "bomb", "deep", "many", "cut-pickle"],
    ...["copies", "dimensions", "long-key", "long-name", "long-names"],
    ...["long-text", "itself", "laughs", "cut-new", "cut-old", "longer-old", "flipped", "overlapping"],
  ],
};

it("reads what PyTorch writes, and refuses what does harm", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, `${name}.pth`);
  const script = join(import.meta.dirname, "saved.py");
  const text = runPython({ script, args: [folder] });
  const facts: Record<string, Fact> = JSON.parse(text);
  for (const name of ["new", "old", "protocol4", "old-protocol4"]) {
    scope(() => {
      const read = readPth(at(name));
      expect(Object.keys(read), name).toEqual(Object.keys(facts));
      for (const [key, { shape, dtype, values }] of Object.entries(facts)) {
        expect([read[key].shape, read[key].dtype], key).toEqual([shape, dtype]);
        expect(read[key].toArray(), key).toEqual(values);
      }
    });
  }
  expect(scope(() => readPth(at("whole")).w.toArray())).toEqual([1.5, -2]);

  for (const [code, names] of Object.entries(wrong)) {
    for (const name of names) {
      const started = process.cpuUsage();
      expect(() => scope(() => readPth(at(name))), name).toThrow(expect.objectContaining({ code }));
      // Of the processor: on a busy machine the clock says nothing of the file.
      const { user, system } = process.cpuUsage(started);
      expect((user + system) / 1e6, name).toBeLessThan(5);
    }
  }
  expect(() => readPth(at("harm-new"))).toThrow(/"posix\.system"/);
  expect(existsSync(join(folder, "harmed"))).toBe(false);

  // Any other byte anywhere: the file is read, or refused with an error of ours.
  for (const name of ["new", "old"]) {
    const whole = readFileSync(at(name));
    for (let i = 0; i < 150; i++) {
      const random = new KeyedRandom(i, 99);
      const bytes = Buffer.from(whole);
      for (let changes = 0; changes < 3; changes++) bytes[random.integer(bytes.length)] = random.integer(256);
      writeFileSync(at("changed"), i % 3 === 0 ? bytes.subarray(0, random.integer(bytes.length)) : bytes);
      try {
        scope(() => void readPth(at("changed")));
      } catch (error) {
        expect(error, `${name} ${i}`).toBeInstanceOf(CheckpointError);
      }
    }
  }
});
