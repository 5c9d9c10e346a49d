import { Generator, nn, ops, randn, scope } from "@salmask/torch";
import { expect, test } from "vitest";

test("a transposed convolution is the convolution's gradient, by PyTorch's names, with a bias", () => {
  using layer = new nn.ConvTranspose2d(5, 3, { kernelSize: 2, stride: 2, generator: new Generator(2) });
  expect(Object.entries(layer.stateDict()).map(([name, { shape }]) => [name, shape])).toEqual([
    ["weight", [5, 3, 2, 2]],
    ["bias", [3]],
  ]);
  scope(() => {
    const generator = new Generator(1);
    const input = randn([2, 5, 4, 6], { generator }); // [B, in, H, W]
    const planes = randn([2, 3, 8, 12], { generator }); // [B, out, 2 H, 2 W]
    planes.requiresGrad = true;
    ops.conv2d(planes, layer.weight.detach(), { stride: 2 }).mul(input).sum().backward();
    const expected = planes.grad?.add(layer.bias.reshape([3, 1, 1])).toFloat32Array() ?? [];
    const found = layer.forward(input);
    expect(found.shape).toEqual(planes.shape);
    for (const [i, value] of found.toFloat32Array().entries()) expect(value).toBeCloseTo(expected[i], 5);
  });
});

test("its weights start uniform in +-1 / sqrt(out kernel kernel), as PyTorch's", () => {
  using layer = new nn.ConvTranspose2d(64, 16, { kernelSize: 2, stride: 2, generator: new Generator(2) });
  scope(() => {
    const most = 1 / Math.sqrt(16 * 2 * 2);
    expect(layer.weight.abs().amax().item()).toBeLessThanOrEqual(most);
    expect(layer.weight.std().item()).toBeCloseTo(most / Math.sqrt(3), 2);
  });
});
