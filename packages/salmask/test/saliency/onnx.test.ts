import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromTypedArray } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findPython } from "../../../torch/test/support/python.js";
import { OnnxSource } from "../../src/saliency/onnx.js";
import { temporaryFolder } from "../support/photos.js";

const golden = z.object({ input: z.array(z.number()), map: z.array(z.number()) });

async function networks(): Promise<{ folder: string } & z.infer<typeof golden>> {
  const folder = await temporaryFolder();
  const script = fileURLToPath(new URL("onnx_golden.py", import.meta.url));
  const printed = execFileSync(findPython(), [script, folder], { encoding: "utf8" });
  return { folder, ...golden.parse(JSON.parse(printed)) };
}

describe("OnnxSource", () => {
  it("agrees with PyTorch, for a batch and for single pictures", async () => {
    const { folder, input, map } = await networks();
    const crops = fromTypedArray(Float32Array.from(input), [2, 3, 8, 12]);
    for (const file of ["free.onnx", "single.onnx"]) {
      const source = await OnnxSource.open(join(folder, file));
      const maps = await source.mapsLater(crops, { rows: 8, cols: 12 });
      expect(maps.shape).toEqual([2, 8, 12]);
      for (const [i, value] of maps.toArray().entries()) expect(value).toBeCloseTo(map[i], 5);
      maps.dispose();

      const cells = await source.mapsLater(crops, { rows: 2, cols: 3 });
      const mean = [0, 1, 2, 3].flatMap((y) => [0, 1, 2, 3].map((x) => map[y * 12 + x]));
      expect(cells.toArray()[0]).toBeCloseTo(mean.reduce((sum, value) => sum + value, 0) / 16, 5);
      cells.dispose();
      await source.dispose();
    }
    crops.dispose();
  });

  it("explains why a file is not such a network", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "text.onnx"), "not a network");
    for (const name of ["text.onnx", "missing.onnx"]) {
      await expect(OnnxSource.open(join(folder, name))).rejects.toMatchObject({
        code: "unusable-onnx",
        message: expect.stringContaining(name),
      });
    }
  });
});
