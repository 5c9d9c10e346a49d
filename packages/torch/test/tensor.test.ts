import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  arange,
  type DType,
  dtypes,
  empty,
  fromTypedArray,
  full,
  Generator,
  mapFile,
  ones,
  rand,
  randn,
  scope,
  type TypedArray,
  tensor,
} from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const arrays: Record<DType, TypedArray> = {
  uint8: Uint8Array.of(0, 1, 127, 255),
  int8: Int8Array.of(-128, -1, 0, 127),
  int16: Int16Array.of(-32768, -1, 0, 32767),
  int32: Int32Array.of(-(2 ** 31), -1, 0, 2 ** 31 - 1),
  int64: BigInt64Array.of(-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n),
  float16: Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001),
  bfloat16: Uint16Array.of(0x3f80, 0xc000, 0x7f7f, 0x0001),
  float32: Float32Array.of(1, -0.1, 3.4e38, 1e-45),
  float64: Float64Array.of(1, -0.1, 1e308, 5e-324),
  complex64: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  complex128: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  bool: Uint8Array.of(0, 1, 1, 0),
};

describe("typed arrays", () => {
  test.each(dtypes())("%s goes there and back bit for bit", (dtype) => {
    using t = fromTypedArray(arrays[dtype], [2, 2], { dtype });
    expect([t.dtype, ...t.shape]).toEqual([dtype, 2, 2]);
    expect(t.toTypedArray()).toEqual(arrays[dtype]);
  });

  test.each(["uint8", "int8", "int16", "int32", "int64", "float32", "float64"] as const)(
    "%s is told by the array's class",
    (dtype) => {
      using t = tensor(arrays[dtype]);
      expect(t.dtype).toBe(dtype);
    },
  );

  test("16-bit floats have the values of their bits", () => {
    scope(() => {
      expect(fromTypedArray(arrays.float16, [4], { dtype: "float16" }).toArray()).toEqual([
        1,
        -2,
        65504,
        2 ** -24,
      ]);
      expect(fromTypedArray(arrays.bfloat16, [4], { dtype: "bfloat16" }).toArray().slice(0, 2)).toEqual([
        1, -2,
      ]);
      // 1 + 2^-8 is exactly between two neighbours; it is rounded to even.
      expect(tensor([1 + 2 ** -8], { dtype: "bfloat16" }).toTypedArray()).toEqual(Uint16Array.of(0x3f80));
    });
  });

  test("the array is copied and can change afterwards", () => {
    const data = Float32Array.of(1, 2);
    using t = tensor(data);
    data[0] = 9;
    expect(t.toArray()).toEqual([1, 2]);
  });

  test("a part of a larger buffer is read from its offset", () => {
    using t = tensor(new Float32Array(Float32Array.of(0, 1, 2, 3).buffer, 4, 2));
    expect(t.toArray()).toEqual([1, 2]);
  });

  test("a shape that does not fit is rejected with both sizes", () => {
    expect(() => fromTypedArray(Float32Array.of(1, 2, 3), [2, 2])).toThrow(
      "Expected 16 bytes for a tensor of shape [2, 2], got 12.",
    );
    expect(() => fromTypedArray(new Uint16Array(2), [2])).toThrow(/Uint16Array says no element type/);
  });

  test("float32 of any shape is unchanged after a conversion to a tensor and back", () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 40 }), (data) => {
        using t = tensor(data);
        expect(t.toFloat32Array()).toEqual(data);
      }),
    );
  });
});

describe("nests of arrays", () => {
  test("define the shape; the default type is float32", () => {
    scope(() => {
      const t = tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      expect([t.dtype, ...t.shape, ...t.toArray()]).toEqual(["float32", 2, 3, 1, 2, 3, 4, 5, 6]);
      expect(tensor(7).shape).toEqual([]);
      expect(tensor([]).shape).toEqual([0]);
      expect(tensor([[], []]).shape).toEqual([2, 0]);
      expect(tensor([0, 2], { dtype: "bool" }).toArray()).toEqual([0, 1]);
      expect(tensor([1, 2, 3, 4], { shape: [2, 2] }).shape).toEqual([2, 2]);
    });
  });

  test("that are ragged are refused", () => {
    expect(() => tensor([[1, 2], [3]])).toThrow("expected rows of 2 elements, got one of 1");
    expect(() => tensor([[1], 2])).toThrow("got a number in place of an array");
    expect(() => tensor([1, [2]])).toThrow("got an array in place of a number");
  });
});

describe("conversions", () => {
  test("`to` changes the type and does not change the source", () => {
    scope(() => {
      const t = tensor([1.7, -1.7]);
      expect(t.to({ dtype: "int32" }).toTypedArray()).toEqual(Int32Array.of(1, -1));
      expect(t.to({ dtype: "float64" }).dtype).toBe("float64");
      expect(t.dtype).toBe("float32");
    });
  });

  test("item reads one element and throws for more", () => {
    scope(() => {
      expect(tensor([[3.5]]).item()).toBe(3.5);
      expect(tensor([2], { dtype: "int64" }).item()).toBe(2);
      expect(tensor([1], { dtype: "bool" }).item()).toBe(1);
      expect(() => tensor([1, 2]).item()).toThrow(/2 elements|one element/);
    });
  });
});

describe("views", () => {
  test("share memory with their source and are read in their own order", () => {
    scope(() => {
      const base = arange(6).reshape([2, 3]);
      const turned = base.transpose(0, 1); // [3, 2]
      expect(turned.strides).toEqual([1, 3]);
      expect(turned.toArray()).toEqual([0, 3, 1, 4, 2, 5]);
      turned.select(0, 0).fill_(9);
      expect(base.toArray()).toEqual([9, 1, 2, 9, 4, 5]);
      expect(base.slice({ dim: 1, start: 1, end: null, step: 2 }).toArray()).toEqual([1, 4]);
    });
  });

  test("channels last changes the strides but no value", () => {
    scope(() => {
      const t = arange(24).reshape([1, 2, 3, 4]);
      const last = t.contiguous({ memoryFormat: "channelsLast" });
      expect(last.strides).toEqual([24, 1, 8, 2]);
      expect(last.toArray()).toEqual(t.toArray());
    });
  });

  test("text names the type, the shape and the device", () => {
    using t = ones([2, 3]);
    expect([String(t), t.ndim, t.numel]).toEqual(["Tensor(float32, [2, 3], cpu)", 2, 6]);
  });
});

describe("factories", () => {
  test("fill", () => {
    scope(() => {
      expect(full([2], 3).toTypedArray()).toEqual(Float32Array.of(3, 3));
      expect(empty([2, 0]).shape).toEqual([2, 0]);
      expect(arange(2, 5).toTypedArray()).toEqual(BigInt64Array.of(2n, 3n, 4n));
      expect(ones([1], { dtype: "uint8" }).dtype).toBe("uint8");
    });
  });

  test("draw from their generator: the same seed repeats them, and a stream continues", () => {
    scope(() => {
      const generator = new Generator(3);
      const [first, second] = [randn([100], { generator }), randn([100], { generator })];
      expect(first.toArray()).not.toEqual(second.toArray());
      expect(randn([100], { generator: generator.manualSeed(3) }).toArray()).toEqual(first.toArray());
      const uniform = rand([10_000], { generator });
      expect(uniform.amin().item()).toBeGreaterThanOrEqual(0);
      expect(uniform.amax().item()).toBeLessThan(1);
      expect(uniform.mean().item()).toBeCloseTo(0.5, 1);
    });
  });

  test("mapFile reads a file's bytes, and writes do not change the file", () => {
    const folder = mkdtempSync(join(tmpdir(), "salmask-map-"));
    const path = join(folder, "bytes");
    writeFileSync(path, Uint8Array.of(1, 2, 3, 4));
    scope(() => {
      const mapped = mapFile(path, 4);
      mapped.fill_(7);
      expect(mapped.toArray()).toEqual([7, 7, 7, 7]);
      expect(mapFile(path, 4).toArray()).toEqual([1, 2, 3, 4]);
    });
    rmSync(folder, { recursive: true });
  });

  test("mapFile throws for too short files, and for paths that are not files", () => {
    const folder = mkdtempSync(join(tmpdir(), "salmask-map-"));
    const path = join(folder, "bytes");
    writeFileSync(path, Uint8Array.of(1, 2, 3, 4));
    const refused = (message: string | RegExp, ...given: Parameters<typeof mapFile>) => {
      expect(() => mapFile(...given)).toThrow(message);
    };
    refused(`Expected a file of at least 5 bytes (5 of uint8), got ${path} of 4.`, path, 5);
    refused(`Expected a file of at least 8 bytes (2 of float32), got ${path} of 4.`, path, 2, "float32");
    refused(`Expected a file to map, got ${folder}, which is none.`, folder, 1);
    refused(/ENOENT/, join(folder, "none"), 1);
    for (const numel of [0, -1, 1.5, Number.NaN, 2 ** 60])
      refused(`Expected a whole number of elements from 1 to map ${path}, got ${numel}.`, path, numel);
    scope(() => expect(mapFile(path, 1, "float32").shape).toEqual([1]));
    rmSync(folder, { recursive: true });
  });
});
