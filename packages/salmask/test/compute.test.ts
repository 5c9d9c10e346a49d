import { existsSync } from "node:fs";
import { join } from "node:path";
import { Generator, hasCuda, randn, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { computeOf, runLayers } from "../src/compute.js";
import { configSchema } from "../src/config/schema.js";
import { UsageError } from "../src/errors.js";
import { pretrain } from "../src/train/pretrain.js";
import { temporaryFolder } from "./support/photos.js";

describe("computeOf", () => {
  it.each([
    ["auto", "auto", true, "cuda:0", "bfloat16"],
    ["auto", "auto", false, "cpu", "float32"],
    ["cpu", "auto", true, "cpu", "float32"],
    ["cuda", "auto", true, "cuda:0", "bfloat16"],
    ["cuda", "float32", true, "cuda:0", "float32"],
    ["auto", "bfloat16", false, "cpu", "bfloat16"],
  ] as const)(
    "device %s in %s, a GPU there: %s, is %s in %s",
    (device, precision, cudaIsThere, where, how) => {
      expect(computeOf({ device, precision }, cudaIsThere)).toEqual({ device: where, precision: how });
    },
  );

  it("refuses a GPU that is not there, with what mends it", () => {
    const ask = () => computeOf({ device: "cuda", precision: "auto" }, false);
    expect(ask).toThrow(UsageError);
    expect(ask).toThrow(/setting device cuda, but libtorch .* finds none\. Give --device cpu/);
  });

  it.skipIf(hasCuda())("before anything is opened or written", async () => {
    const out = join(await temporaryFolder(), "run");
    const config = configSchema.parse({ device: "cuda" });
    const run = pretrain({ photos: "/nowhere", out, config, resume: false });
    await expect(run).rejects.toMatchObject({ code: "no-cuda", exitCode: 2 });
    expect(existsSync(out)).toBe(false);
  });
});

describe("runLayers", () => {
  it("rounds products to bfloat16 where asked to, and gives float32", () => {
    scope(() => {
      const input = randn([2, 3, 4, 4], { generator: new Generator(0) }); // [2, 3, 4, 4]
      const squared = (precision: "float32" | "bfloat16") =>
        runLayers({ device: "cpu", precision }, input, (x) => x.matmul(x)); // [2, 3, 4, 4]
      const [full, rounded] = [squared("float32"), squared("bfloat16")];
      expect([full.dtype, rounded.dtype]).toEqual(["float32", "float32"]);
      const error = full.sub(rounded).abs().amax().item() / full.abs().amax().item();
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(2 ** -6);
    });
  });
});
