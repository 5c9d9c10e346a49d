import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  arange,
  type DType,
  fromTypedArray,
  liveTensors,
  loadSafetensors,
  ones,
  readSafetensorsMetadata,
  SafetensorsError,
  saveSafetensors,
  scope,
  tensor,
  zeros,
} from "@salmask/torch";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readWithPython } from "./support/read-safetensors.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "salmask-safetensors-"));
  path = join(folder, "a.safetensors");
});
afterEach(() => rmSync(folder, { recursive: true }));

const storable = [
  ...(["bool", "uint8", "int8", "int16", "int32", "int64"] as const),
  ...(["float16", "bfloat16", "float32", "float64"] as const),
] satisfies DType[];

/** A file with the given header (an object, or unchanged text) and data. */
function write(header: object | string, data: Uint8Array, length?: bigint): void {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(json.length));
  writeFileSync(path, Buffer.concat([prefix, json, data]));
}

describe("a saved file", () => {
  test("is loaded with every type, shape and bit", () => {
    scope(() => {
      const tensors = Object.fromEntries(
        storable.map((dtype, i) => [`net.${dtype}`, arange(6).sub(i).to({ dtype }).reshape([2, 3])]),
      );
      saveSafetensors(path, { ...tensors, scalar: tensor(4), none: zeros([0, 3]) }, { epoch: "3" });
      const loaded = loadSafetensors(path);
      expect(Object.keys(loaded).sort()).toEqual([...Object.keys(tensors), "none", "scalar"].sort());
      for (const [name, saved] of Object.entries(tensors)) {
        expect([loaded[name].dtype, loaded[name].shape]).toEqual([saved.dtype, saved.shape]);
        expect(loaded[name].toTypedArray()).toEqual(saved.toTypedArray());
      }
      expect([loaded.scalar.shape, loaded.scalar.item(), loaded.none.shape]).toEqual([[], 4, [0, 3]]);
      expect(readSafetensorsMetadata(path)).toEqual({ epoch: "3" });
    });
  });

  test("any names, shapes and values are loaded unchanged", () => {
    const content = fc.dictionary(
      fc.string({ unit: "grapheme", maxLength: 8 }).filter((s) => !["__metadata__", "__proto__"].includes(s)),
      fc.float32Array({ maxLength: 9 }),
      { maxKeys: 5, noNullPrototype: true },
    );
    fc.assert(
      fc.property(content, (arrays) => {
        scope(() => {
          const tensors = Object.entries(arrays).map(([name, data]) => [name, tensor(data)]);
          saveSafetensors(path, Object.fromEntries(tensors));
          const loaded = Object.entries(loadSafetensors(path)).map(([name, t]) => [name, t.toTypedArray()]);
          expect(Object.fromEntries(loaded)).toEqual(arrays);
        });
      }),
      { numRuns: 50 },
    );
  });

  test("is read equally by an independent reader", () => {
    scope(() => {
      const tensors = {
        "b.weight": tensor([
          [1.5, -2],
          [0.1, 3e8],
        ]),
        a: tensor([1, -2], { dtype: "int64" }),
      };
      saveSafetensors(path, tensors, { note: "ä" });
      expect(readWithPython(path)).toEqual({
        metadata: { note: "ä" },
        headerSize: expect.any(Number),
        tensors: {
          a: { dtype: "I64", shape: [2], values: [1, -2] },
          "b.weight": { dtype: "F32", shape: [2, 2], values: [1.5, -2, Math.fround(0.1), 3e8] },
        },
      });
      expect(readWithPython(path).headerSize % 8).toBe(0);
    });
  });

  test("with equal content has equal bytes in any order of the tensors", () => {
    scope(() => {
      saveSafetensors(path, { a: ones([2]), b: zeros([3]) });
      const other = join(folder, "b.safetensors");
      saveSafetensors(other, { b: zeros([3]), a: ones([2]) });
      expect(readFileSync(other).equals(readFileSync(path))).toBe(true);
    });
  });

  test("contains the elements of a view in the view's order", () => {
    scope(() => {
      saveSafetensors(path, { t: arange(6).reshape([2, 3]).transpose(0, 1) });
      expect(loadSafetensors(path).t.toArray()).toEqual([0, 3, 1, 4, 2, 5]);
    });
  });
});

describe("a failure while saving", () => {
  test("leaves the old file and no other", () => {
    scope(() => {
      saveSafetensors(path, { a: ones([2]) });
      const before = readFileSync(path);
      const broken = zeros([2]);
      vi.spyOn(broken, "toTypedArray").mockImplementation(() => {
        throw new Error("disk full");
      });
      expect(() => saveSafetensors(path, { a: ones([2]), b: broken })).toThrow("disk full");
      expect(readFileSync(path).equals(before)).toBe(true);
      expect(readdirSync(folder)).toEqual(["a.safetensors"]);
    });
  });

  test("names a type that the format does not have", () => {
    using z = fromTypedArray(new Float32Array(2), [1], { dtype: "complex64" });
    expect(() => saveSafetensors(path, { z })).toThrow("no type for z of complex64");
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("a damaged file is rejected with its path, and nothing leaks", () => {
  const four = Buffer.alloc(4);
  const a = { dtype: "F32", shape: [1], data_offsets: [0, 4] };

  function refused(message: RegExp): void {
    const before = liveTensors().count;
    expect(() => scope(() => loadSafetensors(path))).toThrow(SafetensorsError);
    expect(() => loadSafetensors(path)).toThrow(message);
    expect(() => loadSafetensors(path)).toThrow(path);
    expect(liveTensors().count).toBe(before);
  }

  test("truncated to any length", () => {
    scope(() => saveSafetensors(path, { a: arange(5), "b.c": ones([3, 2]) }, { key: "value" }));
    for (let size = readFileSync(path).length - 1; size >= 0; size--) {
      truncateSync(path, size);
      refused(/./);
    }
  });

  test("with any bytes: an error or tensors, never a crash", () => {
    scope(() => saveSafetensors(path, { a: arange(3), b: ones([2]) }));
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        writeFileSync(path, bytes);
        scope(() => {
          try {
            expect(Object.keys(loadSafetensors(path)).length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(SafetensorsError);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["beyond the file", { ...a, data_offsets: [0, 8], shape: [2] }, /within 4/],
    ["of another size than the shape", { ...a, data_offsets: [0, 3] }, /should take 4 bytes/],
    ["backwards", { ...a, data_offsets: [4, 0] }, /should take 4 bytes/],
    ["negative", { ...a, data_offsets: [-4, 0] }, /no usable offsets/],
    ["of three", { ...a, data_offsets: [0, 2, 4] }, /no usable offsets/],
    ["with a hole before it", { ...a, data_offsets: [4, 8] }, /should begin at byte 0/, Buffer.alloc(8)],
    ["that leave data over", a, /take 4 bytes, but it holds 8/, Buffer.alloc(8)],
  ])("offsets %s", (_, entry, message, data = four) => {
    write({ a: entry }, data);
    refused(message);
  });

  test.each(["__metadata__", "__proto__"])("a tensor named %s is not written", (name) => {
    scope(() => {
      expect(() => saveSafetensors(path, Object.fromEntries([[name, ones([1])]]))).toThrow(SafetensorsError);
    });
  });

  test("a name that would change the object of tensors, or more dimensions than any tensor has", () => {
    const entry = (shape: number[]) => JSON.stringify({ dtype: "F32", shape, data_offsets: [0, 4] });
    for (const header of [`{"__proto__":${entry([1])}}`, `{"a":${entry(new Array(65).fill(1))}}`]) {
      write(header, new Uint8Array(4));
      expect(() => loadSafetensors(path)).toThrow(SafetensorsError);
    }
    write(`{"a":${entry(new Array(64).fill(1))}}`, new Uint8Array(4));
    scope(() => expect(loadSafetensors(path).a.shape).toHaveLength(64));
  });

  test("offsets of two tensors that overlap", () => {
    write({ a, b: a }, four);
    refused(/b should begin at byte 4, but it begins at 0/);
  });

  test.each([
    ["an unknown type", { ...a, dtype: "F8_E4M3" }, /unknown type "F8_E4M3"/],
    ["no type", { shape: [1], data_offsets: [0, 4] }, /unknown type undefined/],
    ["a shape that is none", { ...a, shape: [1.5] }, /no usable shape/],
    ["a shape beyond all memory", { ...a, shape: [2 ** 50, 2 ** 50] }, /should take/],
    ["no object", 7, /unknown type/],
  ])("an entry with %s", (_, entry, message) => {
    write({ a: entry }, four);
    refused(message);
  });

  test("a header longer than the file, or than any memory", () => {
    write({ a }, four, 1_000n);
    refused(/length reads 1000/);
    write({ a }, four, 2n ** 63n);
    refused(/length reads 9223372036854776000/);
  });

  test("a header that is not a JSON object", () => {
    write("{]", four);
    refused(/not JSON/);
    write("[1]", four);
    refused(/not an object/);
    expect(() => readSafetensorsMetadata(path)).toThrow(SafetensorsError);
  });
});

test("a file without metadata has none", () => {
  scope(() => saveSafetensors(path, { a: ones([1]) }));
  expect(readSafetensorsMetadata(path)).toEqual({});
});
