/** What every method has to do, whatever its loss is. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, loadSafetensors, optim, randn, saveSafetensors, scope } from "@salmask/torch";
import { expect } from "vitest";
import { onCpu } from "../../src/compute/compute.js";
import { configSchema } from "../../src/config/schema.js";
import type { Method } from "../../src/ssl/method.js";
import { builtInMethods } from "../../src/ssl/registry.js";
import type { BatchViews } from "../../src/views/view.js";
import { atStep, batchOf, sourcesOf } from "./compare.js";

function withMethod<T>(given: object, use: (method: Method) => T): T {
  const method = builtInMethods.create(configSchema.parse(given), onCpu);
  try {
    return use(method);
  } finally {
    method.learned.zeroGrad();
    method.dispose();
  }
}

/** Two views of six photos: colours of their own and noise. */
function views(seed: number): BatchViews {
  const colours = randn([6, 3, 1, 1], { generator: new Generator(5) }).mul(2);
  const generator = new Generator(seed);
  const view = () => colours.add(randn([6, 3, 16, 16], { generator }).mul(0.3)); // [6, 3, 16, 16]
  return batchOf(view(), view());
}

function learn(method: Method, optimizer: optim.Optimizer, step: number): number {
  return scope(() => {
    const batch = views(step);
    const { loss } = method.against(batch, atStep(step))(sourcesOf(method, batch));
    loss.backward();
    method.adjustGradients?.(atStep(step));
    optimizer.step();
    optimizer.zeroGrad();
    method.afterStep?.(step / 1000);
    return loss.item();
  });
}

/** The mean similarity of a photo's two embeddings, less that of different photos. */
function contrast(method: Method): number {
  return scope(() => {
    const { query, key } = method.embed(views(1000));
    const similarities = query.matmul(key.t()).toFloat32Array(); // [6, 6]
    const own = similarities.filter((_, i) => i % 7 === 0);
    const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
    return sum(own) / 6 - (sum(similarities) - sum(own)) / 30;
  });
}

/**
 * Expects that a few steps lower the loss, and that embeddings then tell photos apart better than at first, which a collapsed
 * encoder's do not.
 */
export function learnsOneBatch(
  given: object,
  { lr = 0.05, steps = 40 }: { lr?: number; steps?: number } = {},
): void {
  withMethod(given, (method) => {
    const optimizer = new optim.SGD(method.learned.namedParameters(), { lr, momentum: 0.9 });
    const untrained = contrast(method);
    const losses = Array.from({ length: steps }, (_, step) => learn(method, optimizer, step));
    optimizer.dispose();
    const mean = (some: readonly number[]) => some.reduce((total, loss) => total + loss, 0) / some.length;
    expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)));
    expect(contrast(method)).toBeGreaterThan(untrained + 0.1);
  });
}

/** Expects the same loss from a method and from another that got its state. */
export function expectResumed(given: object): void {
  const folder = mkdtempSync(join(tmpdir(), "salmask-host-"));
  try {
    const steps = (method: Method, from: number) => {
      const optimizer = new optim.SGD(method.learned.namedParameters(), { lr: 0.05 });
      const losses = [from, from + 1].map((step) => learn(method, optimizer, step));
      optimizer.dispose();
      return losses;
    };
    const path = join(folder, "state.safetensors");
    withMethod(given, (one) => {
      steps(one, 0);
      saveSafetensors(path, one.state(), {});
      const counters = one.counters?.() ?? {};
      const expected = steps(one, 2);
      withMethod(given, (other) => {
        scope(() => other.loadState(loadSafetensors(path), counters));
        expect(steps(other, 2)).toEqual(expected);
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
