import { beforeAll, describe, expect, test } from "vitest";
import { answersOfRanks } from "../support/ranks.js";

interface Answer {
  errors: Record<string, Record<string, number>>;
  evaluation: number;
  off: number;
  traffic: Record<string, { calls: number; bytes: number }>;
  left: number;
}

/**
 * Each rank has its rows of a batch, 3 and 5, and compares with libtorch's own operators on the whole batch in float64. The loss is the
 * sum over all rows of `output * target`.
 */
const script = `
  const { ops, nn } = torch;
  const group = join(60);
  const rows = [[0, 3], [3, 5]][rank];
  const exact = (tensor) => tensor.detach().to({ dtype: "float64" });
  const leaf = (tensor) => { const copy = tensor.detach().clone({ memoryFormat: "preserve" }); copy.requiresGrad = true; return copy; };
  const norm = (tensor) => Math.sqrt(tensor.mul(tensor).sum().item());
  const error = (found, expected) => norm(exact(found).sub(expected)) / norm(expected);
  const mine = (tensor) => tensor.narrow(0, rows[0], rows[1]);

  function errorsOf({ shape, dtype = "float32", relu = false, residual = false, channelsLast = true, affine = true }) {
    const generator = new torch.Generator(7);
    const channels = shape[1];
    const draw = (sides) => {
      const drawn = torch.randn(sides, { generator }).to({ dtype });
      return channelsLast && sides.length === 4 ? drawn.contiguous({ memoryFormat: "channelsLast" }) : drawn;
    };
    const [input, added, target] = [draw(shape).mul(2).add(0.5), draw(shape), draw(shape)];
    const layer = new nn.BatchNorm2d(channels, { affine });
    const [weight, bias] = [draw([channels]), draw([channels])];
    if (affine) torch.noGrad(() => { layer.weight.copy_(weight); layer.bias.copy_(bias); });
    nn.convertSyncBatchNorm(new nn.Sequential(layer), group);

    const [x, r] = [leaf(mine(input)), leaf(mine(added))];
    const output = relu ? layer.forwardRelu(x, residual ? r : null) : layer.forward(x);
    output.mul(mine(target)).sum().backward();

    const [wholeX, wholeR, w, b] = [input, added, weight, bias].map((tensor) => leaf(exact(tensor)));
    const [mean, variance] = [torch.zeros([channels]), torch.ones([channels])].map(exact);
    const normalized = ops.batchNorm(wholeX, affine ? w : null, affine ? b : null, mean, variance, true, 0.1, 1e-5, false);
    const sum = relu && residual ? normalized.add(wholeR) : normalized;
    const expected = relu ? sum.relu() : sum;
    expected.mul(exact(target)).sum().backward();
    const found = {
      output: error(output, exact(mine(expected))),
      mean: error(layer.runningMean, mean),
      variance: error(layer.runningVar, variance),
      input: error(x.grad, mine(wholeX.grad)),
    };
    if (relu && residual) found.residual = error(r.grad, mine(wholeR.grad));
    if (affine) {
      // The shares of the ranks add up to the gradient of the whole batch.
      const shares = [layer.weight.grad, layer.bias.grad];
      for (const share of shares) group.allReduce(share);
      found.weight = error(shares[0], w.grad);
      found.bias = error(shares[1], b.grad);
    }
    layer.zeroGrad();
    layer.dispose();
    return found;
  }

  const errors = {};
  const cases = {
    "with channels last": { shape: [8, 16, 5, 3] },
    "with ReLU": { shape: [8, 16, 5, 3], relu: true },
    "with a sum and ReLU": { shape: [8, 16, 5, 3], relu: true, residual: true },
    "of channels that are no multiple of eight": { shape: [8, 6, 5, 3], relu: true, residual: true },
    "with channels first": { shape: [8, 16, 5, 3], channelsLast: false },
    "of vectors": { shape: [8, 10] },
    "of vectors without weights": { shape: [8, 10], affine: false },
    "in float64": { shape: [8, 10], dtype: "float64" },
  };
  for (const [name, given] of Object.entries(cases)) errors[name] = torch.scope(() => errorsOf(given));
  const traffic = group.traffic();

  // In evaluation, and turned off, a layer does what it does in one process, and sends nothing.
  const [evaluation, off] = torch.scope(() => {
    const layer = new nn.BatchNorm1d(4);
    const [synchronized, own] = [layer, new nn.BatchNorm1d(4)];
    const input = torch.randn([3 + rank, 4], { generator: new torch.Generator(rank) });
    nn.convertSyncBatchNorm(synchronized, group);
    const inEvaluation = error(synchronized.eval().forward(input), exact(own.eval().forward(input)));
    nn.convertSyncBatchNorm(synchronized, null);
    const turnedOff = error(synchronized.train().forward(input), exact(own.train().forward(input)));
    layer.dispose();
    own.dispose();
    return [inEvaluation, turnedOff];
  });
  const sent = group.traffic();
  if (JSON.stringify(sent) !== JSON.stringify(traffic)) throw new Error("expected nothing sent, got " + JSON.stringify(sent));
  const left = torch.liveTensors().count;
  group.dispose();
  store.dispose();
  console.log(JSON.stringify({ errors, evaluation, off, traffic, left }));`;

let answers: Answer[];

beforeAll(async () => {
  answers = await answersOfRanks<Answer>(2, script);
});

describe("synchronised batch normalisation of two ranks with unequal batches", () => {
  test("gives the outputs, running statistics and gradients of one process with the whole batch", () => {
    for (const { errors } of answers) {
      expect(Object.keys(errors)).toHaveLength(8);
      for (const [name, found] of Object.entries(errors)) {
        for (const [what, error] of Object.entries(found)) {
          const most = what === "output" || what === "mean" || what === "variance" ? 1e-6 : 1e-5;
          expect(error, `${name}: ${what}`).toBeLessThan(name === "in float64" ? 1e-6 : most);
        }
      }
    }
  });

  test("sends the moments and a count forward, and two sums per channel back", () => {
    const channels = [16, 16, 16, 6, 16, 10, 10, 10];
    const sum = (of: (count: number) => number) => channels.reduce((all, count) => all + of(count), 0);
    // The test itself sums the weights' gradients of seven layers; one is in float64, whose layer has float32 weights too.
    const own = channels
      .slice(0, 6)
      .concat(10)
      .reduce((all, count) => all + 2 * 4 * count, 0);
    for (const { traffic } of answers) {
      expect(traffic.allGather).toEqual({ calls: 8, bytes: sum((count) => 8 * (2 * count + 1)) });
      expect(traffic.allReduce).toEqual({ calls: 8 + 14, bytes: sum((count) => 8 * 2 * count) + own });
    }
  });

  test("does nothing else in evaluation and when it is turned off", () => {
    expect(answers.map(({ evaluation, off }) => [evaluation, off])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(answers.map(({ left }) => left)).toEqual([0, 0]);
  });
});
