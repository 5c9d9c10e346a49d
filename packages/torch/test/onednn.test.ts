import { Generator, ops, randn, scope, type Tensor } from "@salmask/torch";
import { expect, test } from "vitest";
import { addon, answerOf } from "./support/node.js";

const layers = [3, 8, 12, 24].flatMap((channels) =>
  [12, 24, 32].flatMap((out) =>
    [
      [7, 2],
      [3, 1],
      [3, 2],
      [1, 1],
    ].map(([kernel, stride]) => ({ channels, out, kernel, stride })),
  ),
);

test.each(["contiguous", "channelsLast"] as const)(
  "libtorch's convolutions and their gradients are right with a layout of %s, with oneDNN or without it",
  (memoryFormat) => {
    for (const { channels, out, kernel, stride } of layers) {
      scope(() => {
        const input = randn([4, channels, 16, 16], { generator: new Generator(0) }); // [4, in, 16, 16]
        const weight = randn([out, channels, kernel, kernel], { generator: new Generator(1) }); // [out, in, k, k]
        const results = (dtype: "float32" | "float64") => {
          const [x, w] = [input, weight].map((t) => t.toCopy({ dtype, memoryFormat }));
          for (const t of [x, w]) t.requiresGrad = true;
          const y = ops.conv2d(x, w, { stride, padding: (kernel - 1) / 2 }); // [4, out, h, w]
          y.mul(y).sum().backward();
          return [y, x.grad, w.grad];
        };
        const exact = results("float64");
        for (const [i, found] of results("float32").entries())
          expect(relativeError(found, exact[i]), `${channels}, ${out}, ${kernel}, ${stride}`).toBeLessThan(
            1e-5,
          );
      });
    }
  },
);

function relativeError(found: Tensor | null, exact: Tensor | null): number {
  if (found === null || exact === null) return Number.NaN;
  return found.sub(exact).abs().amax().item() / exact.abs().amax().item();
}

/** What a new process finds with each of the bounds. */
function found(...bounds: readonly number[]): string[] {
  return answerOf(`
    const { createRequire } = await import("node:module");
    const { checkOneDnn } = createRequire(import.meta.url)(${JSON.stringify(addon)});
    console.log(JSON.stringify(${JSON.stringify(bounds)}.map((bound) => checkOneDnn(bound))));`);
}

test("oneDNN is looked at once, and is off from then on where it differs by more than the bound", () => {
  expect(found(0, 1)).toEqual(["wrong", "wrong"]);
});
