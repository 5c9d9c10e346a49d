import { beforeAll, describe, expect, test } from "vitest";
import { runRanks } from "../support/ranks.js";

interface Answer {
  errors: Record<string, number>;
  gradients: Record<string, boolean[]>;
  traffic: { calls: number; bytes: number };
  left: number;
}

/**
 * Each rank has four of eight photos; its loss is the mean over its own. Every rank also computes what one process computes with the
 * whole batch, by a network of its own. \`unused\` is a part that only some losses reach.
 */
const script = `
  const { nn, optim } = torch;
  const group = join(60);
  const generator = (seed) => new torch.Generator(seed);
  const network = () => {
    const drawn = generator(3);
    const trunk = new nn.Sequential(
      new nn.Conv2d(3, 8, { kernelSize: 3, padding: 1, generator: drawn }),
      new nn.ReLU(),
      new nn.AdaptiveAvgPool2d([2, 2]),
      new nn.Flatten(),
      new nn.Linear(32, 5, { generator: drawn }),
    );
    const unused = new nn.Linear(5, 3, { generator: drawn });
    return { trunk, unused, parts: new nn.Sequential(trunk, unused).to("cpu", { memoryFormat: "channelsLast" }) };
  };
  const batch = (seed) => torch.randn([8, 3, 6, 6], { generator: generator(seed) }); // [8, 3, 6, 6]
  const mine = (input) => input.narrow(0, 4 * rank, 4); // [4, 3, 6, 6]
  const lossOf = ({ trunk }, input) => { const y = trunk.forward(input); return y.mul(y).sum([1]).mean(); };
  const headLossOf = ({ trunk, unused }, input) => unused.forward(trunk.forward(input)).sum([1]).mean();
  const [ours, whole] = [network(), network()];
  const named = Array.from(ours.parts.namedParameters());
  const reducer = new distributed.Reducer({
    parameters: named.map(([, tensor]) => tensor), names: named.map(([name]) => name), group,
    bucketBytes: 600, firstBucketBytes: 50,
  });
  const exact = (tensor) => tensor.detach().to({ dtype: "float64" });
  const norm = (tensor) => Math.sqrt(tensor.mul(tensor).sum().item());
  /** The largest relative error of gradients; infinite where only one side has one. */
  const errorOf = (found, expected) => torch.scope(() => {
    let largest = 0;
    const others = expected.parts.parameters();
    found.parts.parameters().forEach((parameter, i) => {
      const [own, other] = [parameter.grad, others[i].grad];
      if (own === null && other === null) return;
      const error = own === null || other === null ? 1e9 : norm(exact(own).sub(exact(other))) / norm(exact(other));
      largest = Math.max(largest, error);
    });
    return largest;
  });
  const has = ({ parts }) => parts.parameters().map((parameter) => torch.scope(() => parameter.grad !== null));
  const clear = () => { ours.parts.zeroGrad(); whole.parts.zeroGrad(); };
  const errors = {}, gradients = {};
  /** One case: backward passes of this rank, and the same of the whole batch. */
  const compare = (name, own, all) => {
    torch.scope(() => { own(); all(); });
    errors[name] = errorOf(ours, whole);
    gradients[name] = has(ours);
  };
  const [a, b, c] = [11, 12, 13].map((seed) => torch.keep(batch(seed)));
  const step = (loss, sync = true) => { reducer.prepareForBackward({ sync }); loss().backward(); };

  compare("one loss", () => step(() => lossOf(ours, mine(a))), () => lossOf(whole, a).backward());
  const traffic = group.traffic().reducer;
  // Gradients stay: the next pass adds to means that all ranks share.
  compare("two losses, each reduced", () => step(() => headLossOf(ours, mine(b))), () => headLossOf(whole, b).backward());
  clear();
  compare(
    "three losses, reduced with the last",
    () => { step(() => headLossOf(ours, mine(a)), false); step(() => lossOf(ours, mine(b)), false); step(() => lossOf(ours, mine(c))); },
    () => { headLossOf(whole, a).backward(); lossOf(whole, b).backward(); lossOf(whole, c).backward(); },
  );
  clear();
  compare(
    "two losses, reduced afterwards",
    () => { step(() => headLossOf(ours, mine(a)), false); step(() => lossOf(ours, mine(b)), false); reducer.reduce(); },
    () => { headLossOf(whole, a).backward(); lossOf(whole, b).backward(); },
  );
  clear();
  // Rank 1 does not use the head; one process sees half of the batch with it.
  compare(
    "a part that one rank uses",
    () => step(() => (rank === 0 ? headLossOf(ours, mine(a)) : lossOf(ours, mine(a)))),
    () => headLossOf(whole, a.narrow(0, 0, 4)).add(lossOf(whole, a.narrow(0, 4, 4))).mul(0.5).backward(),
  );
  clear();
  // Rank 1 has a loss that reaches no parameter.
  compare(
    "a loss of one rank only",
    () => step(() => { if (rank === 0) return lossOf(ours, mine(a)); const x = torch.ones([1]); x.requiresGrad = true; return x.mul(2); }),
    () => lossOf(whole, a.narrow(0, 0, 4)).mul(0.5).backward(),
  );
  clear();
  // Steps of an optimizer, whose gradients are dropped or scaled in between.
  const optimizers = [ours, whole].map(({ parts }) => new optim.SGD(parts.namedParameters(), { lr: 0.05, momentum: 0.9 }));
  for (let i = 0; i < 4; i++) {
    torch.scope(() => {
      const [own, all] = [lossOf(ours, mine(a)), lossOf(whole, a)];
      reducer.prepareForBackward();
      own.backward();
      all.backward();
      for (const side of [ours, whole]) torch.noGrad(() => { for (const p of side.trunk.parameters()) p.grad.mul_(0.5); });
      for (const optimizer of optimizers) optimizer.step();
      if (i % 2 === 0) clear();
      else for (const side of [ours, whole]) torch.noGrad(() => { for (const p of side.trunk.parameters()) p.grad.zero_(); });
    });
  }
  errors.weights = torch.scope(() => {
    const others = whole.trunk.parameters();
    return Math.max(...ours.trunk.parameters().map((tensor, i) => norm(exact(tensor).sub(exact(others[i]))) / norm(exact(others[i]))));
  });
  // The gradient of a convolution of one pixel has other strides than its weight, along the axes of length 1.
  const point = new nn.Conv2d(32, 64, { kernelSize: 1, generator: generator(5) }).to("cpu", { memoryFormat: "channelsLast" });
  const pointReducer = new distributed.Reducer({ parameters: point.parameters(), group });
  torch.scope(() => {
    const input = torch.randn([2, 32, 4, 4], { generator: generator(6) }).contiguous({ memoryFormat: "channelsLast" });
    pointReducer.prepareForBackward();
    point.forward(input).sum().backward();
  });
  pointReducer.dispose();
  point.zeroGrad();
  point.dispose();
  const kept = ours.trunk.parameters()[0].grad; // outlives the reducer
  reducer.dispose();
  const before = torch.scope(() => norm(exact(kept)));
  group.dispose();
  store.dispose();
  if (!Number.isFinite(before)) throw new Error("expected a gradient after the reducer was disposed");
  kept.dispose();
  for (const optimizer of optimizers) optimizer.dispose();
  for (const tensor of [a, b, c]) tensor.dispose();
  clear();
  ours.parts.dispose();
  whole.parts.dispose();
  console.log(JSON.stringify({ errors, gradients, traffic, left: torch.liveTensors().count }));`;

let answers: Answer[];
let said: string[];

beforeAll(async () => {
  const ended = await runRanks(2, script);
  said = ended.map((rank) => rank.said);
  answers = ended.map(({ out }) => {
    if (out === "") throw new Error(`expected answers, got none: ${said.join("\n")}`);
    return JSON.parse(out);
  });
});

describe("the reducer of two ranks", () => {
  test("gives the gradients of the whole batch: of one loss, of several, of parts that are not used everywhere", () => {
    for (const { errors } of answers) {
      expect(Object.keys(errors)).toHaveLength(7);
      for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThan(1e-5);
    }
  });

  test("leaves parameters without a gradient that no rank used", () => {
    const [trunk, all] = [
      [true, true, true, true, false, false],
      [true, true, true, true, true, true],
    ];
    for (const { gradients } of answers) {
      expect(gradients["one loss"]).toEqual(trunk);
      expect(gradients["three losses, reduced with the last"]).toEqual(all);
      expect(gradients["a part that one rank uses"]).toEqual(all);
    }
  });

  test("counts its buckets and a map of the parameters", () => {
    // Bytes of 216 + 8 + 160 + 5 + 15 + 3 values, and of 6 whole numbers.
    const bytes = 4 * (216 + 8 + 160 + 5 + 15 + 3) + 4 * 6;
    for (const { traffic } of answers) {
      expect(traffic.bytes).toBe(bytes);
      // From the last parameters on, a bucket is full when it passes its limit: 3 + 15 values, 5 + 160, 8 + 216; and the map.
      expect(traffic.calls).toBe(3 + 1);
    }
  });

  test("warns of nothing that is as it is meant", () => {
    expect(said).toEqual(["", ""]);
  });

  test("leaves no tensor", () => {
    expect(answers.map(({ left }) => left)).toEqual([0, 0]);
  });
});
