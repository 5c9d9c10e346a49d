import { Generator, randn, scope, type Tensor, tensor, zeros } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { centredGram, linearCka } from "../../src/metrics/cka.js";

const ckaOf = (x: Tensor, y: Tensor) => scope(() => linearCka(centredGram(x), centredGram(y)));

describe("linear CKA", () => {
  it("equals the definition with centring matrices, computed by NumPy", () => {
    const goldens = Goldens.make(new URL("cam_golden.py", import.meta.url));
    const found = scope(() => ckaOf(goldens.tensor("x"), goldens.tensor("y")));
    expect(found).toBeCloseTo(goldens.array("cka")[0], 6);
  });

  it("is 1 for the same features, rotated, scaled and moved", () => {
    scope(() => {
      const generator = new Generator(2);
      const x = randn([30, 2], { generator });
      const turn = tensor([
        [0.6, -0.8],
        [0.8, 0.6],
      ]);
      expect(ckaOf(x, x)).toBeCloseTo(1, 12);
      expect(ckaOf(x, x.matmul(turn).mul(7).add(3))).toBeCloseTo(1, 5);
    });
  });

  it("is not 1 after a stretch along one direction, and near 0 for independent features of many photos", () => {
    scope(() => {
      const generator = new Generator(3);
      const [x, y] = [randn([2000, 2], { generator }), randn([2000, 2], { generator })];
      expect(ckaOf(x, x.mul(tensor([1, 10])))).toBeLessThan(0.8);
      expect(ckaOf(x, y)).toBeLessThan(0.01);
    });
  });

  it("is null where a network sees all photos alike", () => {
    scope(() => expect(ckaOf(zeros([4, 2]), randn([4, 2], { generator: new Generator(1) }))).toBeNull());
  });
});
