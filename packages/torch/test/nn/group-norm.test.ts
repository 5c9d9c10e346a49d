import { fromTypedArray, KeyedRandom, nn, scope } from "@salmask/torch";
import { expect, test } from "vitest";

test("GroupNorm centres and scales each group of channels of each sample, then each channel by its own weights", () => {
  scope(() => {
    const [batch, channels, groups, plane] = [2, 6, 3, 10];
    const random = new KeyedRandom(0, 1);
    const draw = (length: number) => Float32Array.from({ length }, () => random.uniform() * 4 - 1);
    const [input, weight, bias] = [draw(batch * channels * plane), draw(channels), draw(channels)];
    const layer = new nn.GroupNorm(groups, channels, { eps: 1e-3 });
    layer.loadStateDict({
      weight: fromTypedArray(weight, [channels]),
      bias: fromTypedArray(bias, [channels]),
    });
    const output = layer.forward(fromTypedArray(input, [batch, channels, plane, 1])).toArray();
    const size = (channels / groups) * plane;
    for (let from = 0; from < input.length; from += size) {
      const group = Array.from(input.subarray(from, from + size));
      const mean = group.reduce((sum, value) => sum + value, 0) / size;
      const variance = group.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
      for (const [i, value] of group.entries()) {
        const channel = Math.floor((from + i) / plane) % channels;
        const expected = ((value - mean) / Math.sqrt(variance + 1e-3)) * weight[channel] + bias[channel];
        expect(output[from + i]).toBeCloseTo(expected, 4);
      }
    }
    layer.dispose();
  });
});
