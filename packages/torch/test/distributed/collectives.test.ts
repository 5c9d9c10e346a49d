import { beforeAll, describe, expect, test } from "vitest";
import { answersOfRanks } from "../support/ranks.js";

interface Answer {
  reduced: Record<string, number[]>;
  gathered: { shape: number[]; values: number[] };
  broadcast: { plain: number[]; turned: number[] };
  traffic: Record<string, { calls: number; bytes: number }>;
  refused: string[];
  afterRefusal: number[];
  sum: { value: number[]; gradient: number[] };
  cat: { value: number[]; shape: number[]; gradient: number[] };
  left: number;
}

/** Values that depend on the rank: `[10 * rank + 1, 10 * rank + 2, ...]`. */
const script = `
  const group = join(60);
  const own = (n, dtype = "float32") => torch.tensor(Array.from({ length: n }, (_, i) => 10 * rank + i + 1), { dtype });
  const message = (run) => { try { run(); return "none"; } catch (error) { return error.name + ": " + error.message; } };
  const answer = torch.scope(() => {
    const reduced = {};
    for (const op of ["sum", "avg", "max", "min"]) {
      const tensor = own(3); // [3]
      group.allReduce(tensor, op);
      reduced[op] = tensor.toArray();
    }
    const whole = own(3, "int64"); // [3]
    group.allReduce(whole);
    reduced.int64 = whole.toArray();
    const turned = own(6).reshape([2, 3]).transpose(0, 1); // [3, 2], not contiguous
    group.allReduce(turned, "max");
    reduced.turned = turned.toArray();
    const all = group.allGather(own(4).reshape([2, 2]).transpose(0, 1)); // [2, 2, 2]
    const gathered = { shape: all.shape, values: all.toArray() };
    const [plain, other] = [own(2), own(4).reshape([2, 2]).transpose(0, 1)]; // [2], [2, 2]
    group.broadcast(plain, 1);
    group.broadcast(other, 0);
    group.barrier();
    const traffic = group.traffic();
    const refused = [
      message(() => group.allReduce(own(2, "int64"), "avg")),
      message(() => group.allReduce(own(2, "bool"))),
      message(() => group.allReduce(own(2), "mean")),
      message(() => group.broadcast(own(2), 2)),
      message(() => distributed.allGatherCat(own(1).reshape([]), group)),
    ];
    const after = own(1);
    group.allReduce(after);

    const leaf = () => { const tensor = own(4).reshape([2, 2]); tensor.requiresGrad = true; return tensor; };
    const weight = rank + 2;
    const x = leaf(); // [2, 2]
    const total = distributed.allReduceSum(x, group); // [2, 2]
    total.mul(total).mul(weight).sum().backward();
    const y = leaf(); // [2, 2]
    const rows = distributed.allGatherCat(y, group); // [4, 2]
    rows.mul(rows).mul(weight).sum().backward();
    return {
      reduced, gathered, traffic, refused,
      broadcast: { plain: plain.toArray(), turned: other.toArray() },
      afterRefusal: after.toArray(),
      sum: { value: total.detach().toArray(), gradient: x.grad.toArray() },
      cat: { value: rows.detach().toArray(), shape: rows.shape, gradient: y.grad.toArray() },
    };
  });
  answer.left = torch.liveTensors().count;
  group.dispose();
  store.dispose();
  console.log(JSON.stringify(answer));`;

let answers: Answer[];

beforeAll(async () => {
  answers = await answersOfRanks<Answer>(2, script);
});

describe("collectives of two ranks", () => {
  test("all-reduce gives the sum, the mean, the largest and the smallest, of any layout", () => {
    for (const { reduced } of answers) {
      expect(reduced).toEqual({
        sum: [12, 14, 16],
        avg: [6, 7, 8],
        max: [11, 12, 13],
        min: [1, 2, 3],
        int64: [12, 14, 16],
        turned: [11, 14, 12, 15, 13, 16],
      });
    }
  });

  test("all-gather gives the tensors of all ranks, and broadcast those of one", () => {
    for (const { gathered, broadcast } of answers) {
      expect(gathered).toEqual({ shape: [2, 2, 2], values: [1, 3, 2, 4, 11, 13, 12, 14] });
      expect(broadcast).toEqual({ plain: [11, 12], turned: [1, 3, 2, 4] });
    }
  });

  test("calls and bytes are counted", () => {
    for (const { traffic } of answers) {
      expect(traffic).toEqual({
        allReduce: { calls: 6, bytes: 4 * 12 + 24 + 24 },
        allGather: { calls: 1, bytes: 16 },
        broadcast: { calls: 2, bytes: 8 + 16 },
        reducer: { calls: 0, bytes: 0 },
      });
    }
  });

  test("wrong arguments are refused before anything is sent, so that the group still works", () => {
    for (const { refused, afterRefusal } of answers) {
      expect(refused[0]).toContain("Expected a tensor of a floating type for a mean over ranks");
      expect(refused[1]).toContain("Expected a tensor of float32, float64, float16");
      expect(refused[2]).toBe("RangeError: Expected one of sum, avg, max, min for an all-reduce, got mean.");
      expect(refused[3]).toContain("RangeError: Expected the rank that is the source");
      expect(refused[4]).toContain("Expected a tensor [B, ...] to gather");
      expect(afterRefusal).toEqual([12]);
    }
  });

  test("gradients pass through the sum: those of the sum of all ranks' losses", () => {
    const total = [12, 14, 16, 18];
    for (const { sum } of answers) {
      expect(sum.value).toEqual(total);
      // Of the losses 2 |total|^2 and 3 |total|^2.
      expect(sum.gradient).toEqual(total.map((value) => 2 * (2 + 3) * value));
    }
  });

  test("gradients pass through gathered rows: each rank gets what all losses give its rows", () => {
    answers.forEach(({ cat }, rank) => {
      expect(cat.shape).toEqual([4, 2]);
      expect(cat.value).toEqual([1, 2, 3, 4, 11, 12, 13, 14]);
      expect(cat.gradient).toEqual([1, 2, 3, 4].map((value) => 2 * (2 + 3) * (10 * rank + value)));
    });
  });

  test("no tensor is left", () => {
    expect(answers.map(({ left }) => left)).toEqual([0, 0]);
  });
});
