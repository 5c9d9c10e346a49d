import { join } from "node:path";
import { Generator, liveTensors, noGrad, randn, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { hasClassToken } from "../../../src/models/backbone.js";
import { createBackbone } from "../../../src/models/registry.js";
import { saliencyOf } from "../../../src/saliency/networks/class-attention.js";
import { openSource } from "../../../src/saliency/open.js";
import { saveBackbone } from "../../../src/weights/files.js";
import { temporaryFolder } from "../../support/photos.js";

const transformer = { arch: "vit_tiny", stem: "small", width: 16 } as const;

it("a transformer's saliency is its class token's attention, averaged over cells of several patches", () => {
  const before = liveTensors().count;
  const network = createBackbone(transformer, new Generator(3));
  const source = saliencyOf(network, (crops) => crops.mul(2));
  scope(() => {
    expect(source.name).toBe("class-attention");
    const crops = randn([2, 3, 16, 32], { generator: new Generator(4) }); // [B, 3, H, W]
    const maps = source.maps(crops, { rows: 2, cols: 4 }); // [B, 2, 4]
    if (!hasClassToken(network)) throw new Error("Expected a class token.");
    const places = noGrad(() => network.classAttention(crops.mul(2))).toFloat32Array(); // [B, 1, 4, 8]
    const place = (b: number, row: number, col: number) => places[(b * 4 + row) * 8 + col];
    for (const [i, value] of maps.toFloat32Array().entries()) {
      const [b, row, col] = [i >> 3, 2 * ((i >> 2) & 1), 2 * (i & 3)];
      const sum =
        place(b, row, col) + place(b, row, col + 1) + place(b, row + 1, col) + place(b, row + 1, col + 1);
      expect(value).toBeCloseTo(sum / 4, 6);
    }
  });
  source.dispose();
  expect(liveTensors().count).toBe(before);
});

it.each([
  [transformer, "class-attention"],
  [{ arch: "resnet18", stem: "small", width: 8 } as const, "scda"],
])("weights of %o give the source %s", async (spec, name) => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using made = createBackbone(spec, new Generator(2));
  saveBackbone(path, made, {});
  const source = await openSource({ source: "scda", weights: path });
  expect(source.name).toBe(name);
  await source.dispose();
});
