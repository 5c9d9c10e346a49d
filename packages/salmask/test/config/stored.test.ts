import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { UsageError } from "../../src/base/errors.js";
import { type Migration, migrate } from "../../src/config/migrations.js";
import { configSchema } from "../../src/config/schema.js";
import { fromStored, settingsVersion, toStored } from "../../src/config/stored.js";

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
  it("are unchanged after YAML and after JSON", () => {
    expect(fromStored(parse(stringify(toStored(config))), "run")).toEqual(config);
    expect(fromStored(JSON.parse(JSON.stringify(toStored(config))), "run")).toEqual(config);
    expect(toStored(config).version).toBe(settingsVersion);
  });

  it("can be of the first version, without a version number and without newer settings", () => {
    const { occlusion: _, ...first } = config;
    expect(fromStored(JSON.parse(JSON.stringify(first)), "run")).toEqual(config);
    expect(fromStored({ ...first, version: 1 }, "run")).toEqual(config);
  });

  it("are rejected if they have a later version, with the file's name and both versions", () => {
    const later = { ...toStored(config), version: settingsVersion + 1, unheardOf: 1 };
    const { code, message } = errorOf(() => fromStored(later, "runs/a/config.yaml"));
    expect(code).toBe("later-settings");
    expect(message).toContain("runs/a/config.yaml");
    expect(message).toContain(`got version ${settingsVersion + 1}`);
  });

  it.each([[null], ["text"], [[1]], [{ version: "two" }], [{ version: 0 }], [{ train: { epochs: -1 } }]])(
    "are refused where they are none: %j",
    (value) => {
      expect(errorOf(() => fromStored(value, "here"))).toMatchObject({
        code: "bad-settings",
        message: expect.stringMatching(/Expected .*here.* got /s),
      });
    },
  );
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
