import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  arange,
  EngineError,
  Generator,
  libtorchVersion,
  Operator,
  ones,
  operatorNames,
  ops,
  scope,
  Tensor,
  tensor,
  zeros,
} from "@salmask/torch";
import { describe, expect, test } from "vitest";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const listed = readFileSync(at("../ops.txt"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("aten::"))
  .map((line) => line.split(" ")[0]);

describe("the dispatcher", () => {
  test("has every operator in ops.txt, with libtorch's own schema", () => {
    expect(listed.length).toBeGreaterThan(150);
    const all = new Set(operatorNames());
    for (const full of listed) {
      const [name, overload = ""] = full.split(".");
      expect(all, full).toContain(full);
      expect(new Operator(name, overload).schema).toMatch(new RegExp(`^${full.replace(/[.]/g, "\\.")}\\(`));
    }
  });

  test("knows thousands of operators, and any of them can be called", () => {
    expect(operatorNames().length).toBeGreaterThan(3000);
    scope(() => {
      const input = tensor([5]);
      const handle = new Operator("aten::lgamma", "").call(input.handle);
      expect(handle).toBeTypeOf("number");
      expect(new Tensor(Number(handle)).item()).toBeCloseTo(Math.log(24), 5);
      expect(new Operator("aten::lgamma_", "").call(input.handle)).toBeUndefined();
      expect(input.item()).toBeCloseTo(Math.log(24), 5);
    });
  });

  test("names a missing operator and the library's version", () => {
    const missing = new Operator("aten::no_such_thing", "Tensor");
    expect(() => missing.schema).toThrow(EngineError);
    expect(() => missing.schema).toThrow(
      `libtorch ${libtorchVersion()} has no operator aten::no_such_thing.Tensor`,
    );
  });
});

test("the generated signatures are those of libtorch 1.13's schemas", (context) => {
  if (!libtorchVersion().startsWith("1.13.")) {
    console.warn(`skipped: signatures are generated from libtorch 1.13, and this is ${libtorchVersion()}`);
    context.skip();
  }
  const check = spawnSync(process.execPath, [at("../scripts/generate-ops.mjs"), "--check"], {
    encoding: "utf8",
  });
  expect(check.stderr).toBe("");
  expect(check.status).toBe(0);
});

describe("arguments", () => {
  test("undefined takes the schema's default, null is None", () => {
    scope(() => {
      const x = tensor([[-2, 5]]);
      expect(ops.clamp(x, { min: 0 }).toArray()).toEqual([0, 5]);
      expect(ops.clamp(x, { min: null, max: 1 }).toArray()).toEqual([-2, 1]);
      expect(ops.sum(x).shape).toEqual([]);
      expect(ops.sum(x, null, { keepdim: true }).shape).toEqual([1, 1]);
      expect(ops.flatten(zeros([2, 3, 4]), { startDim: 1 }).shape).toEqual([2, 12]);
    });
  });

  test("one number can replace a list of fixed length", () => {
    scope(() => {
      const x = ones([1, 1, 4, 4]);
      expect(ops.maxPool2d(x, 2).shape).toEqual([1, 1, 2, 2]);
      expect(ops.maxPool2d(x, [2, 1]).shape).toEqual([1, 1, 2, 4]);
    });
  });

  test("lists of tensors, with None in them where the schema allows", () => {
    scope(() => {
      const x = arange(6, undefined, { dtype: "float32" }).reshape([2, 3]);
      expect(ops.cat([x, x], { dim: 1 }).shape).toEqual([2, 6]);
      const columns = tensor([2, 0], { dtype: "int64" });
      expect(ops.index(x, [null, columns]).toArray()).toEqual([2, 0, 5, 3]);
    });
  });

  test("several result tensors are returned as a list", () => {
    scope(() => {
      const [values, indices] = ops.topk(tensor([3, 9, 5]), 2);
      expect(values.toArray()).toEqual([9, 5]);
      expect([indices.dtype, ...indices.toArray()]).toEqual(["int64", 1, 2]);
      expect(ops.split(zeros([7]), 3).map((part) => part.numel)).toEqual([3, 3, 1]);
    });
  });

  test("a number or a tensor selects the overload; whole numbers keep integer types", () => {
    scope(() => {
      const whole = tensor([1, 2], { dtype: "int64" });
      expect(whole.mul(3).dtype).toBe("int64");
      expect(whole.mul(0.5).dtype).toBe("float32");
      expect(whole.add(whole, { alpha: 2 }).toArray()).toEqual([3, 6]);
      expect(whole.eq(2).toArray()).toEqual([0, 1]);
    });
  });

  test("strings and generators can be passed", () => {
    scope(() => {
      const x = zeros([1000]);
      ops.bernoulli_(x, { p: 0.25, generator: new Generator(5) });
      const again = zeros([1000]);
      again.bernoulli_({ p: 0.25, generator: new Generator(5) });
      expect(x.toArray()).toEqual(again.toArray());
      expect(x.sum().item() / 1000).toBeCloseTo(0.25, 1);
      expect(ones([1], { device: "cpu" }).device).toBe("cpu");
    });
  });

  test("in-place operators change their argument and the method returns it", () => {
    scope(() => {
      const x = ones([2]);
      expect(x.add_(1).mul_(3)).toBe(x);
      expect(x.toArray()).toEqual([6, 6]);
    });
  });
});

describe("a bad argument", () => {
  const add = new Operator("aten::add", "Tensor");

  test("is named, with what was expected", () => {
    scope(() => {
      const x = ones([2]);
      expect(() => add.call(x.handle)).toThrow("Expected a value for 'other' of aten::add, got none.");
      expect(() => add.call(x.handle, undefined)).toThrow("Expected a value for 'other', got none.");
      expect(() => add.call(x.handle, null)).toThrow("Expected a value for 'other', got null.");
      expect(() => add.call(x.handle, "x")).toThrow("Expected a tensor for 'other', got a string.");
      expect(() => add.call(x.handle, x.handle, 1, 1)).toThrow(
        "Expected at most 3 arguments of aten::add, got 4.",
      );
      expect(() => add.call(x.handle, 999_999)).toThrow(/Expected a live handle/);
      expect(() => x.sum(0.5)).toThrow("Expected an integer within 2^53 for 'dim', got 0.5.");
      expect(() => x.reshape([1.5])).toThrow("Expected an integer within 2^53 for 'shape', got 1.5.");
      expect(() => new Operator("aten::cat", "").call(x.handle)).toThrow(
        `Expected an array for 'tensors', got ${x.handle}.`,
      );
      expect(() => x.narrow(0.5, 0, 1)).toThrow("Expected an integer within 2^53 for 'dim', got 0.5.");
    });
  });

  test("rejected by libtorch's own checks is reported without a C++ backtrace", () => {
    scope(() => {
      const fault = () => ones([2, 3]).matmul(ones([2, 3]));
      expect(fault).toThrow(/mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x3\)/);
      expect(fault).not.toThrow(/frame #/);
    });
  });

  test("leaves the engine usable", () => {
    scope(() => {
      for (let i = 0; i < 100; i++) expect(() => add.call()).toThrow();
      expect(ones([1]).add(1).item()).toBe(2);
    });
  });
});
