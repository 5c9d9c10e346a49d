/**
 * Compares a method's loss and gradients with PyTorch's, from the same weights and views. The script beside a method's test has
 * PyTorch's side, on top of host_step.py.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, loadSafetensors, randn, saveSafetensors, scope } from "@salmask/torch";
import { expect } from "vitest";
import { Goldens, relativeError } from "../../../torch/test/support/goldens.js";
import { onCpu } from "../../src/compute/compute.js";
import { configSchema, type RunConfig } from "../../src/config/schema.js";
import type { Method } from "../../src/ssl/method.js";
import { builtInMethods } from "../../src/ssl/registry.js";
import type { Progress } from "../../src/training/task.js";
import { wholeView } from "../../src/views/draw.js";
import type { BatchViews, View } from "../../src/views/view.js";
import { negativesOf } from "./compare.js";

const base = {
  data: { crop: 16 },
  model: { arch: "resnet18", width: 4, stem: "small" },
  mask: { fill: "mean" },
  train: { epochs: 10, batchSize: 4 },
};
const progress: Progress = { step: 250, epoch: 2, stepsPerEpoch: 100, epochs: 10 };
/** Batches per case, of which the script uses the one whose activations are farthest from the corners of ReLUs. */
const batches = 3;
/** Loss, and gradients in relative L2 per tensor. */
const tolerance = 1e-4;

/** Tests the step of each case: settings over those above. */
export function expectStepsAsInPytorch(script: URL, cases: Readonly<Record<string, object>>): void {
  const folder = mkdtempSync(join(tmpdir(), "salmask-host-step-"));
  try {
    const ours = new Map(
      Object.entries(cases).map(([name, given]) => {
        mkdirSync(join(folder, name));
        return [name, stepsOf(configSchema.parse(given), join(folder, name))];
      }),
    );
    const goldens = Goldens.make(script, folder);
    for (const [name, steps] of ours) {
      expect(goldens.array(`${name}/margin`)[0], `${name}: distance from a ReLU's corner`).toBeGreaterThan(2);
      const step = steps[goldens.array(`${name}/batch`)[0]];
      const theirs = goldens.names(`${name}/result/`);
      expect(Array.from(step.keys()).toSorted(), name).toEqual(theirs.toSorted());
      const whole = norm(theirs.flatMap((what) => Array.from(goldens.array(`${name}/result/${what}`))));
      const wrong = Array.from(step, ([what, values]) => {
        const expected = goldens.array(`${name}/result/${what}`);
        // A bias before batch norm has no gradient; what is left of one is rounding.
        const isNone = norm(expected) < 1e-10 * whole;
        const error = isNone ? norm(values) / whole : relativeError(values, expected);
        return { what: `${name}: ${what}`, error };
      }).filter(({ error }) => !(error <= tolerance));
      expect(wrong).toEqual([]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const norm = (values: Iterable<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

/** The settings of a case, over those of all: its keys replace whole groups. */
export const caseOf = (given: object): object => ({ ...base, ...given });

function stepsOf(config: RunConfig, folder: string): Map<string, Float32Array>[] {
  const method = builtInMethods.create(config, onCpu);
  try {
    return Array.from({ length: batches }, (_, i) =>
      scope(() => {
        const seen = viewsFor(config, i);
        const given = Object.fromEntries(
          seen.views.flatMap(({ clean, masked }, view) => [
            [`clean/${view}`, clean],
            [`masked/${view}`, masked],
          ]),
        );
        const { negatives } = seen;
        if (negatives !== null) Object.assign(given, { negatives: negatives.pixels, valid: negatives.valid });
        const settings = JSON.stringify({ config, progress });
        const state = Object.entries(method.state()).map(([name, tensor]) => [`state/${name}`, tensor]);
        const path = join(folder, `${i}.safetensors`);
        saveSafetensors(path, { ...given, ...Object.fromEntries(state) }, { settings });
        const result = resultOf(method, seen);
        // Every batch starts from the same running statistics.
        const before = loadSafetensors(path);
        method.loadState(
          Object.fromEntries(
            state.map(([name]) => [String(name).slice("state/".length), before[String(name)]]),
          ),
          method.counters?.() ?? {},
        );
        return result;
      }),
    );
  } finally {
    method.dispose();
  }
}

function resultOf(method: Method, seen: BatchViews): Map<string, Float32Array> {
  const sources = method.sources(seen.views).map(({ masked }) => masked);
  const { loss } = method.against(seen, progress)(sources);
  loss.backward();
  method.adjustGradients?.(progress);
  const result = new Map<string, Float32Array>([["loss", Float32Array.of(loss.item())]]);
  for (const [name, { grad }] of method.learned.namedParameters()) {
    if (grad !== null) result.set(`gradient/${name}`, grad.toFloat32Array());
  }
  method.learned.zeroGrad();
  return result;
}

/** Random pixels for every view of the recipe; where it is masked, others in its left half. The last hard negative does not count. */
function viewsFor(config: RunConfig, seed: number): BatchViews {
  const recipe = builtInMethods.recipe(config);
  const generator = new Generator(seed);
  const batch = config.train.batchSize;
  const ids = Int32Array.from({ length: batch }, (_, i) => i);
  const views = recipe.kinds.flatMap(({ count, crop, mask }) =>
    Array.from({ length: count }, (): View => {
      const clean = randn([batch, 3, crop, crop], { generator });
      const masked = mask === null ? clean : clean.clone();
      if (mask !== null) {
        const half = Math.floor(crop / 2);
        masked.narrow(3, 0, half).copy_(randn([batch, 3, crop, half], { generator }));
      }
      const draw = wholeView(ids, new Int32Array(2 * batch).fill(crop), crop);
      return { clean, masked, draw, foreground: null, mask: null };
    }),
  );
  const count = recipe.negatives?.count ?? 0;
  const { crop } = config.data;
  const negatives =
    count === 0
      ? null
      : negativesOf(
          randn([count * batch, 3, crop, crop], { generator }),
          batch,
          null,
          Array.from({ length: count * batch }, (_, i) => Number(i < count * batch - 1)),
        );
  return { key: { seed: 0, epoch: progress.epoch, ids }, views, negatives };
}
