import { Generator, noGrad, optim, randn, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { Moco, type MocoOptions } from "../../src/ssl/moco.js";
import { batchOf, compare, negativesOf } from "./compare.js";

const options: MocoOptions = {
  seed: 3,
  queue: 5,
  momentum: 0.9,
  temperature: 0.2,
  negativeWeight: 2,
  groups: 2,
  encoder: { backbone: { arch: "resnet18", stem: "small", width: 4 }, dim: 8 },
};

/** The loss of random views after its backward pass; with `finish` also the rest of the step. */
function step(method: Moco, at: number, finish?: () => void): number {
  return scope(() => {
    const generator = new Generator(at);
    const [query, key, negatives] = [0, 1, 2].map(() => randn([4, 3, 16, 16], { generator }));
    const { loss } = compare(method, batchOf(query, key, negativesOf(negatives, 4)), at);
    loss.backward();
    if (finish !== undefined) {
      finish();
      method.afterStep();
    }
    return loss.item();
  });
}

function withMethod(use: (method: Moco) => void): void {
  const method = new Moco(options);
  try {
    use(method);
  } finally {
    method.learned.zeroGrad();
    method.dispose();
  }
}

describe("Moco", () => {
  it("starts both encoders from the same weights, and two runs with one seed equally", () => {
    withMethod((one) =>
      withMethod((other) =>
        scope(() => {
          const first = one.query.stateDict();
          for (const state of [one.key.stateDict(), other.query.stateDict()]) {
            for (const [name, value] of Object.entries(state)) {
              expect(value.toArray(), name).toEqual(first[name].toArray());
            }
          }
        }),
      ),
    );
  });

  it("moves the key encoder by the share (1 - m) towards the query encoder", () => {
    withMethod((method) =>
      scope(() => {
        const [query, key] = [method.query.projector.parameters()[0], method.key.projector.parameters()[0]];
        noGrad(() => query.add_(1));
        const expected = key.toArray().map((value, i) => 0.9 * value + 0.1 * query.toArray()[i]);
        step(method, 0, () => {});
        for (const [i, value] of key.toArray().entries()) expect(value).toBeCloseTo(expected[i], 5);
      }),
    );
  });

  it.each([
    ["does not divide", 5],
    ["divides", 8],
    ["is larger than", 3],
  ])("is a queue: the newest keys take the place of the oldest, where the batch %s it", (_, size) => {
    const method = new Moco({ ...options, queue: size });
    try {
      const rowsOf = (tensor: Tensor): number[][] => {
        const [rows, dim] = tensor.shape;
        const values = tensor.toArray();
        return Array.from({ length: rows }, (_, row) => values.slice(row * dim, (row + 1) * dim));
      };
      const queue = () => scope(() => rowsOf(method.queue));
      /** The queue's rows, the oldest first. */
      let model = queue();
      let enqueued = 0;
      for (let at = 0; at < 7; at++) {
        const before = queue();
        const keys = scope(() => {
          const generator = new Generator(at);
          const [query, key] = [0, 1].map(() => randn([4, 3, 16, 16], { generator }));
          const { embeddings } = compare(method, batchOf(query, key), at);
          return rowsOf(embeddings.key);
        });
        // The loss uses the old queue until the step ends.
        expect(queue()).toEqual(before);
        scope(() => method.afterStep());
        model = [...model, ...keys].slice(-size);
        enqueued = Math.min(size, enqueued + keys.length);
        const { pointer } = method.counters();
        const after = queue();
        expect([...after.slice(pointer), ...after.slice(0, pointer)]).toEqual(model);
        expect(method.counters()).toEqual({ pointer: (4 * (at + 1)) % size, enqueued });
        expect(method.logs()).toEqual({ queueFill: enqueued / size });
      }
    } finally {
      method.learned.zeroGrad();
      method.dispose();
    }
  });

  it("has a higher loss with a valid hard negative, but not with an invalid one", () => {
    withMethod((method) => {
      const lossOf = (valid: number[] | null) =>
        scope(() => {
          const generator = new Generator(9);
          const images = randn([3, 3, 16, 16], { generator });
          const negatives =
            valid === null ? null : negativesOf(randn([3, 3, 16, 16], { generator }), 3, null, valid);
          method.query.eval();
          method.key.eval();
          return compare(method, batchOf(images, images, negatives)).loss.item();
        });
      const without = lossOf(null);
      expect(lossOf([0, 0, 0])).toBeCloseTo(without, 5);
      for (const row of [0, 1, 2])
        expect(lossOf([0, 1, 2].map((i) => Number(i === row)))).toBeGreaterThan(without + 1e-4);
    });
  });

  it("gives the same loss for one shared negative as for copies of it", () => {
    withMethod((method) => {
      const lossOf = (rows: Int32Array | null) =>
        scope(() => {
          const generator = new Generator(11);
          const images = randn([3, 3, 16, 16], { generator });
          const one = randn([1, 3, 16, 16], { generator });
          const negatives = negativesOf(rows === null ? one.repeat([3, 1, 1, 1]) : one, 3, rows);
          // In evaluation, copies do not change batch statistics, so only the comparison can differ.
          method.query.eval();
          method.key.eval();
          return compare(method, batchOf(images, images, negatives)).loss.item();
        });
      expect(lossOf(Int32Array.of(0, 0, 0))).toBeCloseTo(lossOf(null), 5);
    });
  });

  it("continues from a saved state with the same losses", () => {
    withMethod((one) => {
      const sgd = new optim.SGD(one.learned.namedParameters(), { lr: 0.1 });
      for (const at of [0, 1]) {
        step(one, at, () => {
          sgd.step();
          sgd.zeroGrad();
        });
      }
      withMethod((other) => {
        scope(() => other.loadState(one.state(), one.counters()));
        expect(step(other, 2)).toBe(step(one, 2));
      });
      sgd.dispose();
    });
  });
});
