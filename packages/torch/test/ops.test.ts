import { ops, scope, type Tensor } from "@salmask/torch";
import { beforeAll, expect, test } from "vitest";
import { Goldens } from "./support/goldens.js";

interface Inputs {
  image: Tensor; // [2, 4, 9, 7]
  matrix: Tensor; // [6, 5]
  weight: Tensor; // [6, 2, 3, 3]
  bias: Tensor; // [6]
  classes: Tensor; // [6]
  classWeight: Tensor; // [5]
  order: Tensor; // [4]
}

// The same calls as in goldens/ops_golden.py.
const calls: Record<string, (inputs: Inputs) => Tensor> = {
  conv2d: ({ image, weight, bias }) =>
    ops.conv2d(image, weight, { bias, stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 }),
  avgPool2d: ({ image }) =>
    image.avgPool2d(3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
  maxPool2d: ({ image }) => image.maxPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
  adaptiveAvgPool2d: ({ image }) => image.adaptiveAvgPool2d([4, 3]),
  upsampleBicubic2d: ({ image }) => image.upsampleBicubic2d([5, 11], true),
  upsampleBilinear2d: ({ image }) => image.upsampleBilinear2d([5, 11], true),
  upsampleBilinear2dAa: ({ image }) => image.upsampleBilinear2dAa([4, 3], false),
  upsampleNearest2d: ({ image }) => image.upsampleNearest2d([18, 5]),
  reflectionPad2d: ({ image }) => image.reflectionPad2d([1, 2, 3, 4]),
  constantPadNd: ({ image }) => image.constantPadNd([1, 0, 2, 1], { value: 0.5 }),
  unfold: ({ image }) => image.unfold(3, 3, 2),
  roll: ({ image }) => image.roll([1, -2], { dims: [2, 3] }),
  flip: ({ image }) => image.flip([1, 3]),
  rfft2: ({ image }) => image.fftRfft2({ norm: "ortho" }).viewAsReal(),
  irfft2: ({ image }) => image.fftRfft2().fftIrfft2({ s: [9, 7] }),
  gelu: ({ matrix }) => matrix.gelu(),
  layerNorm: ({ matrix, weight }) =>
    ops.layerNorm(matrix, [5], {
      weight: weight.flatten().narrow(0, 0, 5),
      bias: matrix.select(0, 0),
      eps: 0.1,
    }),
  crossEntropy: ({ matrix, classes, classWeight }) =>
    matrix.crossEntropyLoss(classes, { weight: classWeight, labelSmoothing: 0.1 }),
  crossEntropyEach: ({ matrix, classes }) => matrix.crossEntropyLoss(classes, { reduction: 0 }),
  logSoftmax: ({ matrix }) => matrix.logSoftmax(0),
  logsumexp: ({ matrix }) => matrix.logsumexp([0, 1], { keepdim: true }),
  std: ({ matrix }) => matrix.std(1, 0, { keepdim: true }),
  variance: ({ matrix }) => matrix.variance([0, 1]),
  norm: ({ matrix }) => matrix.norm(3, 1),
  vectorNorm: ({ matrix }) => matrix.linalgVectorNorm({ ord: Number.POSITIVE_INFINITY, dim: 0 }),
  addmm: ({ bias, matrix }) =>
    ops.addmm(bias.narrow(0, 0, 5), matrix, matrix.t().matmul(matrix), { beta: 2, alpha: 0.5 }),
  cumsum: ({ matrix }) => matrix.cumsum(1),
  sorted: ({ matrix }) => matrix.sort({ dim: 1, descending: true })[0],
  indices: ({ matrix }) => matrix.argsort({ dim: 1, descending: true }),
  topk: ({ matrix }) => matrix.topk(2, { dim: 0, largest: false })[0],
  gather: ({ matrix, classes }) => matrix.gather(1, classes.unsqueeze(1)),
  indexSelect: ({ matrix, order }) => matrix.indexSelect(1, order),
  index: ({ matrix, order }) => matrix.index([null, order]),
  scatter: ({ matrix, classes }) => matrix.scatter(1, classes.unsqueeze(1), 9),
  where: ({ matrix }) => ops.where(matrix.gt(0), matrix, matrix.mul(-2)),
  lerp: ({ matrix }) => matrix.clone().lerp_(matrix.mul(0).add(1), 0.25),
  pow: ({ matrix }) => matrix.abs().pow(1.5),
  remainder: ({ matrix }) => matrix.remainder(0.3),
  fmod: ({ matrix }) => matrix.fmod(0.3),
  clamp: ({ matrix }) => matrix.clamp({ min: -0.5 }),
  repeatInterleave: ({ matrix }) => matrix.repeatInterleave(2, { dim: 1 }),
  oneHot: ({ classes }) => classes.oneHot({ numClasses: 6 }),
  subAlpha: ({ matrix }) => matrix.sub(matrix.exp(), { alpha: 3 }),
};

let goldens: Goldens;
beforeAll(() => {
  goldens = Goldens.make(new URL("goldens/ops_golden.py", import.meta.url));
});

test("every golden has its call", () => {
  expect(Object.keys(calls).sort()).toEqual(goldens.names("result/").sort());
});

test.each(Object.entries(calls))("%s gives PyTorch's result", (name, call) => {
  scope(() => {
    const input = (key: string) => goldens.tensor(`input/${key}`);
    const result = call({
      image: input("image"),
      matrix: input("matrix"),
      weight: input("weight"),
      bias: input("bias"),
      classes: input("classes").to({ dtype: "int64" }),
      classWeight: input("class_weight"),
      order: input("order").to({ dtype: "int64" }),
    });
    goldens.expectClose(result, `result/${name}`, 1e-6);
  });
});
