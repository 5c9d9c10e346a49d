import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { UsageError } from "../../src/base/errors.js";
import { type Migration, migrate } from "../../src/config/migrations.js";
import { configSchema, pretrainSettings } from "../../src/config/schema.js";
import { settingsKind } from "../../src/config/settings-kind.js";
import { fromStored, toStored } from "../../src/config/stored.js";

function errorOf(fn: () => unknown): UsageError {
  try {
    fn();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error("expected a UsageError");
}

const config = configSchema.parse({ train: { epochs: 3 }, method: { name: "simclr", dim: 9 } });

describe("stored settings", () => {
  it("come back as they were, through YAML and through JSON", () => {
    expect(fromStored(pretrainSettings, parse(stringify(toStored(pretrainSettings, config))), "run")).toEqual(
      config,
    );
    expect(
      fromStored(pretrainSettings, JSON.parse(JSON.stringify(toStored(pretrainSettings, config))), "run"),
    ).toEqual(config);
    expect(toStored(pretrainSettings, config).version).toBe(pretrainSettings.version);
  });

  it("can be of the first version, without a version number and without newer settings", () => {
    const { occlusion: _, ...first } = config;
    expect(fromStored(pretrainSettings, JSON.parse(JSON.stringify(first)), "run")).toEqual(config);
    expect(fromStored(pretrainSettings, { ...first, version: 1 }, "run")).toEqual(config);
  });

  it("of before version 3 keep the paper's threshold where they name none", () => {
    const ruleOf = (stored: object) => fromStored(pretrainSettings, stored, "run").saliency.threshold.rule;
    for (const version of [1, 2]) {
      expect(ruleOf({ version })).toBe("deviations");
      expect(ruleOf({ version, saliency: { threshold: { rule: "mean" } } })).toBe("mean");
    }
    expect(ruleOf({ version: 3 })).toBe(configSchema.parse({}).saliency.threshold.rule);
    expect(ruleOf({ version: 3 })).not.toBe("deviations");
  });

  it("are refused of a later version, with the file's name and both versions", () => {
    const later = {
      ...toStored(pretrainSettings, config),
      version: pretrainSettings.version + 1,
      unheardOf: 1,
    };
    const { code, message } = errorOf(() => fromStored(pretrainSettings, later, "runs/a/config.yaml"));
    expect(code).toBe("later-settings");
    expect(message).toContain("runs/a/config.yaml");
    expect(message).toContain(`got version ${pretrainSettings.version + 1}`);
  });

  it.each([[null], ["text"], [[1]], [{ version: "two" }], [{ version: 0 }], [{ train: { epochs: -1 } }]])(
    "are refused where they are none: %j",
    (value) => {
      expect(errorOf(() => fromStored(pretrainSettings, value, "here"))).toMatchObject({
        code: "bad-settings",
        message: expect.stringMatching(/Expected .*here.* got /s),
      });
    },
  );
});

describe("settings of another task", () => {
  const schema = z.strictObject({ epochs: z.int().default(3).describe("passes") });
  const other = settingsKind("other", schema, { version: 1, migrations: {} });

  it("are written with its name and read back", () => {
    const stored = JSON.parse(JSON.stringify(toStored(other, { epochs: 5 })));
    expect(stored).toEqual({ version: 1, task: "other", epochs: 5 });
    expect(fromStored(other, stored, "here")).toEqual({ epochs: 5 });
    expect(fromStored(other, { version: 1, task: "other" }, "here")).toEqual({ epochs: 3 });
  });

  it("are refused, in both directions", () => {
    expect(errorOf(() => fromStored(pretrainSettings, toStored(other, { epochs: 5 }), "here"))).toMatchObject(
      {
        code: "bad-settings",
        message: 'Expected the settings of a run of pretrain in here, got those of "other".',
      },
    );
    expect(errorOf(() => fromStored(other, toStored(pretrainSettings, config), "here"))).toMatchObject({
      code: "bad-settings",
      message: 'Expected the settings of a run of other in here, got those of "pretrain".',
    });
  });
});

describe("migrate", () => {
  const migrations: Record<number, Migration> = {
    1: [
      { from: "train.passes", to: "train.epochs" },
      { from: "old.only", to: "mask.fill" },
      { from: "gone", to: null },
    ],
    2: (tree) => ({ ...tree, seed: Number(tree.seed) * 10 }),
    3: [{ from: "train.epochs", to: "schedule.epochs" }],
  };
  const to = (value: unknown, version: number) => migrate(value, { version, migrations, from: "file" });

  it("renames, moves, removes and computes, one version at a time", () => {
    const first = { seed: 1, train: { passes: 7, lr: 2 }, old: { only: "mean" }, gone: true };
    expect(to(first, 1)).toEqual(first);
    expect(to(first, 2)).toEqual({ seed: 1, train: { epochs: 7, lr: 2 }, mask: { fill: "mean" } });
    expect(to(first, 3)).toEqual({ seed: 10, train: { epochs: 7, lr: 2 }, mask: { fill: "mean" } });
    expect(to(first, 4)).toEqual({
      seed: 10,
      train: { lr: 2 },
      mask: { fill: "mean" },
      schedule: { epochs: 7 },
    });
  });

  it("starts at the file's own version", () => {
    expect(to({ version: 3, seed: 1, train: { passes: 7, epochs: 8 } }, 4)).toEqual({
      seed: 1,
      train: { passes: 7 },
      schedule: { epochs: 8 },
    });
  });

  it("does not change its argument", () => {
    const given = { train: { passes: 7 } };
    to(given, 4);
    expect(given).toEqual({ train: { passes: 7 } });
  });
});
