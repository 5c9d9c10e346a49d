import { fromTypedArray, Generator, KeyedRandom, liveTensors, nn, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { ScdaSource } from "../../../src/saliency/networks/scda.js";

/** One convolution with kernel size and stride `patch`, then batch normalisation: 3 to 4 channels. */
class PatchNetwork extends nn.Module {
  readonly conv: nn.Conv2d;
  readonly norm = new nn.BatchNorm2d(4);

  constructor(patch: number) {
    super();
    const generator = new Generator(3);
    this.conv = new nn.Conv2d(3, 4, { kernelSize: patch, stride: patch, bias: false, generator });
  }

  forward(input: Tensor): Tensor {
    return this.norm.forward(this.conv.forward(input));
  }

  features(input: Tensor): Tensor {
    return this.forward(input).relu();
  }
}

const [batch, side, patch] = [3, 16, 4];

function crops(): Tensor {
  const random = new KeyedRandom(5);
  const data = Float32Array.from({ length: batch * 3 * side * side }, () => random.normal());
  return fromTypedArray(data, [batch, 3, side, side]);
}

/**
 * Sums of the activations `[B, 4, 4]`, computed in loops over patches. A new batch norm in evaluation divides by sqrt(1
 * + eps).
 */
function expectedMaps(network: PatchNetwork, input: Tensor): number[] {
  const weight = network.conv.weight.toFloat32Array(); // [4, 3, patch, patch]
  const x = input.toFloat32Array();
  const maps: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let cell = 0; cell < 16; cell++) {
      const [top, left] = [Math.floor(cell / 4) * patch, (cell % 4) * patch];
      let total = 0;
      for (let out = 0; out < 4; out++) {
        let sum = 0;
        for (let i = 0; i < 3 * patch * patch; i++) {
          const [c, y, z] = [Math.floor(i / patch ** 2), Math.floor(i / patch) % patch, i % patch];
          sum += weight[out * 3 * patch ** 2 + i] * x[((b * 3 + c) * side + top + y) * side + left + z];
        }
        total += Math.max(0, sum / Math.sqrt(1 + 1e-5));
      }
      maps.push(total);
    }
  }
  return maps;
}

describe("ScdaSource", () => {
  it("sums the activations of the network in evaluation mode", () => {
    scope(() => {
      const network = new PatchNetwork(patch);
      const source = new ScdaSource(network.train());
      const input = crops();
      const expected = expectedMaps(network, input);
      const maps = source.maps(input, { rows: 4, cols: 4 });
      expect(maps.shape).toEqual([batch, 4, 4]);
      expect(maps.requiresGrad).toBe(false);
      for (const [i, value] of maps.toArray().entries()) expect(value).toBeCloseTo(expected[i], 4);
      expect(network.norm.stateDict().running_mean.toArray()).toEqual([0, 0, 0, 0]);
      source.dispose();
    });
  });

  it("averages finer feature maps over the cells, and interpolates coarser ones", () => {
    scope(() => {
      const network = new PatchNetwork(patch);
      const source = new ScdaSource(network);
      const input = crops();
      const fine = expectedMaps(network, input);
      const coarse = source.maps(input, { rows: 2, cols: 2 }).toArray();
      const twice = source.maps(input, { rows: 8, cols: 8 }).toArray();
      for (let b = 0; b < batch; b++) {
        const at = (row: number, col: number) => fine[b * 16 + row * 4 + col];
        for (const [row, col] of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ]) {
          const [y, x] = [2 * row, 2 * col];
          const mean = (at(y, x) + at(y + 1, x) + at(y, x + 1) + at(y + 1, x + 1)) / 4;
          expect(coarse[b * 4 + row * 2 + col]).toBeCloseTo(mean, 4);
        }
        // In a grid twice as fine, the centre of a cell is a quarter of the way from its coarse cell's centre to the
        // next centre.
        const near = (cell: number) => {
          const place = Math.min(3, Math.max(0, (cell + 0.5) / 2 - 0.5));
          const low = Math.min(2, Math.floor(place));
          return { low, part: place - low };
        };
        for (let cell = 0; cell < 64; cell++) {
          const [y, x] = [near(Math.floor(cell / 8)), near(cell % 8)];
          const along = (row: number) => (1 - x.part) * at(row, x.low) + x.part * at(row, x.low + 1);
          const expected = (1 - y.part) * along(y.low) + y.part * along(y.low + 1);
          expect(twice[b * 64 + cell]).toBeCloseTo(expected, 4);
        }
      }
      source.dispose();
    });
  });

  it("frees its network", () => {
    const before = liveTensors().count;
    const source = new ScdaSource(scope(() => new PatchNetwork(patch)));
    expect(liveTensors().count).toBeGreaterThan(before);
    source.dispose();
    expect(liveTensors().count).toBe(before);
  });
});
