import { existsSync } from "node:fs";
import { join } from "node:path";
import { Generator, hasCuda, nn, noGrad, randn, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/base/errors.js";
import { computeOf, onCpu, runLayers } from "../../src/compute/compute.js";
import { configSchema } from "../../src/config/schema.js";
import { createBackbone } from "../../src/models/registry.js";
import { pretrain } from "../../src/tasks/pretrain/pretrain.js";
import { temporaryFolder } from "../support/photos.js";

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
      expect(computeOf({ device, precision }, { cudaIsThere, cpuIsFast: false })).toEqual({
        device: where,
        precision: how,
      });
    },
  );

  it.each([
    ["auto", "bfloat16"],
    ["float32", "float32"],
  ] as const)(
    "precision %s on a processor that multiplies bfloat16 in hardware is %s",
    (precision, chosen) => {
      const found = { cudaIsThere: false, cpuIsFast: true };
      expect(computeOf({ device: "auto", precision }, found)).toEqual({ device: "cpu", precision: chosen });
    },
  );

  it("rejects a missing GPU, with how to fix it", () => {
    const ask = () => computeOf({ device: "cuda", precision: "auto" }, { cudaIsThere: false });
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
  it("rounds products to bfloat16 if requested, and returns float32", () => {
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

interface Tested {
  network: nn.Module;
  layers: (input: Tensor) => Tensor;
}

/** The results of one forward and backward pass in training: maps, gradients, running statistics. Frees the network. */
function passOf(
  { network, layers }: Tested,
  run: (input: Tensor, layers: (input: Tensor) => Tensor) => Tensor,
): Map<string, Float32Array> {
  return scope(() => {
    const generator = new Generator(3);
    const input = randn([4, 3, 64, 64], { generator }); // [4, 3, 64, 64]
    input.requiresGrad = true;
    network.train();
    const maps = run(input, layers); // [4, C, h, w]
    maps.mul(randn(maps.shape, { generator })).sum().backward();
    const found = new Map([["maps", maps.detach().toFloat32Array()]]);
    const tensors: Record<string, Tensor> = { ...network.stateDict(), input };
    for (const [name, { grad }] of Object.entries(tensors)) {
      if (grad !== null) found.set(`gradient of ${name}`, grad.toFloat32Array());
    }
    for (const [name, statistic] of Object.entries(tensors)) {
      if (name.includes("running")) found.set(name, statistic.toFloat32Array());
    }
    network.dispose();
    return found;
  });
}

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** The largest relative differences between a pass with libtorch's kernels and one with ours. */
function largestErrors(make: () => Tested): { gradient: number; other: number } {
  const theirs = passOf(make(), (input, layers) => layers(input));
  const ours = passOf(make(), (input, layers) => runLayers(onCpu, input, layers));
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  const largest = { gradient: 0, other: 0 };
  for (const [name, values] of theirs) {
    const difference = (ours.get(name) ?? values).map((value, i) => value - values[i]);
    const kind = name.startsWith("gradient") ? "gradient" : "other";
    largest[kind] = Math.max(largest[kind], norm(difference) / norm(values));
  }
  return largest;
}

/** All layers of a ResNet except ReLU. */
class Smooth extends nn.Module {
  private readonly layers: nn.Sequential;
  private readonly side: nn.Sequential;

  constructor(generator: Generator) {
    super();
    this.layers = new nn.Sequential(
      new nn.Conv2d(3, 12, { kernelSize: 7, stride: 2, padding: 3, bias: false, generator }),
      new nn.BatchNorm2d(12),
      new nn.MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
      new nn.Conv2d(12, 24, { kernelSize: 3, padding: 1, bias: false, generator }),
      new nn.BatchNorm2d(24),
    );
    this.side = new nn.Sequential(
      new nn.Conv2d(3, 24, { kernelSize: 1, stride: 4, bias: false, generator }),
      new nn.BatchNorm2d(24),
    );
  }

  forward(input: Tensor): Tensor {
    return this.layers.forward(input).add_(this.side.forward(input)); // [B, 24, H / 4, W / 4]
  }
}

describe("runLayers on a CPU", () => {
  it("gives the same maps and gradients with channels last as libtorch's kernels", () => {
    const { gradient, other } = largestErrors(() => {
      const network = noGrad(() => new Smooth(new Generator(5)));
      return { network, layers: (input) => network.forward(input) };
    });
    expect(gradient).toBeGreaterThan(0); // otherwise the same kernels were used
    expect(gradient).toBeLessThan(1e-4);
    expect(other).toBeLessThan(1e-5);
  });

  it.each([
    { arch: "resnet18", stem: "small", width: 16 },
    { arch: "resnet18", stem: "small", width: 12 },
    { arch: "resnet18", stem: "imagenet", width: 16 },
    { arch: "resnet50", stem: "imagenet", width: 16 },
  ] as const)("does so for a ResNet: %o", (spec) => {
    const { gradient, other } = largestErrors(() => {
      const network = createBackbone(spec, new Generator(5));
      return { network, layers: (input) => network.features(input) };
    });
    expect(other).toBeLessThan(1e-3); // rounding errors grow with depth; the last norms have only 16 values
    // A few units per million are on the other side of ReLU's zero. PyTorch's float32 differs equally from float64.
    expect(gradient).toBeLessThan(0.05);
  });
});
