import { join } from "node:path";
import { Generator, noGrad, saveSafetensors, scope, tensor } from "@salmask/torch";
import { expect, it } from "vitest";
import { relativeError } from "../../../torch/test/support/goldens.js";
import { runPython } from "../../../torch/test/support/run-python.js";
import type { Backbone } from "../../src/models/backbone.js";
import { createBackbone } from "../../src/models/registry.js";
import { openSource } from "../../src/saliency/open.js";
import { loadBackbone } from "../../src/weights/files.js";
import { importBackbone } from "../../src/weights/import.js";
import { salmask } from "../support/command-line.js";
import { temporaryFolder } from "../support/photos.js";

function outputs(backbone: Backbone): number[] {
  return scope(() =>
    noGrad(() => {
      const pixels = Float32Array.from({ length: 2 * 3 * 16 * 16 }, (_, i) => Math.sin(i));
      return backbone.forward(tensor(pixels, { shape: [2, 3, 16, 16] })).toArray(); // [2, 64]
    }),
  );
}

it("reads encoders of torchvision and MoCo, which then give what they give in PyTorch", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const script = join(import.meta.dirname, "foreign.py");
  const text = runPython({ script, args: [folder], path: [join(import.meta.dirname, "../support")] });
  const expected: Record<"query" | "key", number[]> = JSON.parse(text);

  const check = (path: string, of: "query" | "key", tolerance = 1e-5, prefix?: string) => {
    const { backbone, ...found } = importBackbone(at(path), { prefix });
    expect(relativeError(outputs(backbone), expected[of]), path).toBeLessThan(tolerance);
    backbone.dispose();
    return found;
  };
  expect(check("plain.pth", "query")).toMatchObject({ prefix: "", others: [], ignored: { fc: 2 } });
  check("half.pth", "query", 1e-2);
  const [query, key] = ["encoder_q", "encoder_k"].map((name) => `state_dict.module.${name}.`);
  expect(check("moco.pth.tar", "query")).toMatchObject({
    prefix: query,
    others: [key],
    ignored: { [`${query}fc`]: 2, "state_dict.module.encoder_k": 122, "state_dict.module.queue": 1 },
  });
  check("moco.pth.tar", "key", 1e-5, key);
  expect(() => importBackbone(at("missing.pth"))).toThrow(
    expect.objectContaining({
      code: "missing-weights",
      message: expect.stringContaining("layer3.1.bn2.weight"),
    }),
  );
  expect(() => importBackbone(at("moco.pth.tar"), { prefix: "nothing." })).toThrow(
    expect.objectContaining({ code: "not-a-backbone" }),
  );
  expect(() => loadBackbone(at("plain.pth"))).toThrow(
    expect.objectContaining({ code: "not-safetensors", message: expect.stringContaining("salmask import ") }),
  );

  const said = await salmask("import", at("moco.pth.tar"), "--out", at("runs/moco"), "--crop", "16");
  expect(said).toMatchObject({ code: 0, err: "" });
  expect(said.out).toContain("  state_dict.module.queue_ptr: 1\n");
  const written = at("runs/moco/weights.safetensors");
  const { backbone, metadata } = loadBackbone(written);
  expect(relativeError(outputs(backbone), expected.query)).toBeLessThan(1e-5);
  backbone.dispose();
  expect(metadata.crop).toBe("16");
  const source = await openSource({ source: "scda", weights: written });
  expect(source.name).toBe("scda");
  source.dispose();
  expect(await salmask("import", at("text"), "--out", at("x"))).toMatchObject({ code: 1 });
});

it("takes the trained encoder of our own checkpoints", async () => {
  const path = join(await temporaryFolder(), "step.safetensors");
  using made = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(3));
  const state = made.stateDict();
  const under = (prefix: string) =>
    Object.entries(state).map(([name, value]) => [`${prefix}${name}`, value] as const);
  const parts = ["optimizer.encoder.velocity.backbone.", "task.key.backbone.", "task.query.backbone."];
  saveSafetensors(path, Object.fromEntries(parts.flatMap(under)));
  const found = importBackbone(path);
  found.backbone.dispose();
  expect(found.prefix).toBe("task.query.backbone.");
});

it("finds an encoder among very many names in a time that grows with their number alone", async () => {
  const path = join(await temporaryFolder(), "many.safetensors");
  using made = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(3));
  const bias = made.stateDict()["bn1.bias"];
  const others = Array.from({ length: 6000 }, (_, i) => [`part${i}.${i}.weight`, bias]);
  const own = Object.entries(made.stateDict()).map(([name, value]) => [`last.${name}`, value]);
  saveSafetensors(path, Object.fromEntries([...others, ...own]));
  const started = process.cpuUsage();
  const { prefix, backbone } = importBackbone(path);
  const { user, system } = process.cpuUsage(started);
  backbone.dispose();
  expect(prefix).toBe("last.");
  expect((user + system) / 1e6).toBeLessThan(10);
});
