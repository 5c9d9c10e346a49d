import { Generator, randn, scope, tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { lbfgs } from "../../src/metrics/lbfgs.js";
import { fastLinear, fitSoftmax } from "../../src/metrics/linear-fast.js";

describe("lbfgs", () => {
  it("finds the solution of a linear system as the minimum of its quadratic", () => {
    scope(() => {
      const [a, b] = [
        tensor([
          [4, 1, 0],
          [1, 3, 1],
          [0, 1, 100],
        ]),
        tensor([1, 2, 3]),
      ];
      const solution = lbfgs(tensor([0, 0, 0]), (x) => {
        const ax = a.matmul(x);
        return { value: x.mul(ax).sum().item() / 2 - b.mul(x).sum().item(), gradient: ax.sub(b) };
      });
      for (const [i, value] of a.matmul(solution).toArray().entries())
        expect(value).toBeCloseTo([1, 2, 3][i], 3);
    });
  });
});

describe("fitSoftmax", () => {
  it("ends where the gradient, computed row by row, is zero", () => {
    scope(() => {
      const [rows, d, classes, penalty] = [40, 3, 3, 0.01];
      const features = randn([rows, d], { generator: new Generator(5) });
      const labels = Int32Array.from({ length: rows }, (_, i) => (i * 7) % classes);
      const { weight, bias } = fitSoftmax({ features, labels }, classes, penalty);
      const [x, w, c] = [features.toArray(), weight.toArray(), bias.toArray()];
      const gradient = w.map((value) => penalty * value);
      for (let row = 0; row < rows; row++) {
        const scores = c.map((value, k) => {
          let score = value;
          for (let j = 0; j < d; j++) score += x[row * d + j] * w[j * classes + k];
          return Math.exp(score);
        });
        const total = scores.reduce((sum, score) => sum + score, 0);
        for (let j = 0; j < d; j++) {
          for (let k = 0; k < classes; k++) {
            const residual = scores[k] / total - Number(labels[row] === k);
            gradient[j * classes + k] += (x[row * d + j] * residual) / rows;
          }
        }
      }
      for (const value of gradient) expect(Math.abs(value)).toBeLessThan(1e-4);
    });
  });
});

describe("fastLinear", () => {
  it("separates separable classes, and stays at chance for random labels", () => {
    scope(() => {
      const labels = Int32Array.from({ length: 200 }, (_, i) => i % 2);
      const noise = randn([200, 2], { generator: new Generator(6) });
      const side = tensor(Array.from(labels, (label) => [8 * label - 4, 0]));
      const apart = { features: noise.add(side), labels };
      expect(fastLinear(apart, apart, 2, 0).scores.top1).toBe(1);
      const fresh = { features: randn([200, 2], { generator: new Generator(7) }), labels };
      const chance = fastLinear({ features: noise, labels }, fresh, 2, 0).scores.top1;
      expect(Math.abs(chance - 0.5)).toBeLessThan(0.15);
    });
  });
});
