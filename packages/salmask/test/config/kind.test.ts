import { describe, expect, it } from "vitest";
import { expectedOf, parseText, placeholderOf } from "../../src/config/kind.js";
import { configSchema, pretrainSettings } from "../../src/config/schema.js";
import { valueAt, withValue } from "../../src/config/tree.js";
import { configsWith } from "../support/settings.js";

function kindOf(key: string) {
  const setting = pretrainSettings.settings().find((one) => one.key === key);
  if (setting === undefined) throw new Error(`no setting ${key}`);
  return setting.kind;
}

describe("parseText", () => {
  it.each([
    ["saliency.maps", "@x", "@x"],
    ["saliency.maps", "2024", "2024"],
    ["saliency.maps", "null", "null"],
    ["saliency.maps", "{a: [", "{a: ["],
    ["data.cache", "true", "true"],
    ["seed", "08", 8],
    ["seed", "0x10", "0x10"],
    ["seed", "", ""],
    ["seed", "1e3", 1000],
    ["seed", "3 apples", "3 apples"],
    ["train.lr", ".05", 0.05],
    ["train.lr", "-5e-2", -0.05],
    ["train.lr", "Infinity", "Infinity"],
    ["mask.ratio", "0.1,0.4", [0.1, 0.4]],
    ["mask.ratio", "[0.1, 0.4]", [0.1, 0.4]],
    ["mask.ratio", " 0.1 , 0.4 ", [0.1, 0.4]],
    ["mask.ratio", "0.1", [0.1]],
    ["mask.ratio", "0.1,", "0.1,"],
    ["mask.ratio", "[0.1,0.4", "[0.1,0.4"],
    ["saliency.shuffled", "true", true],
    ["saliency.shuffled", "false", false],
    ["saliency.shuffled", "yes", "yes"],
    ["threads", "auto", "auto"],
    ["threads", "4", 4],
    ["threads", "four", "four"],
    ["mask.fill", "none", "none"],
  ])("reads %s from %j as %j", (key, text, value) => {
    expect(parseText(kindOf(key), text)).toEqual(value);
  });

  it("reads every default from the text that help shows", () => {
    for (const { key, kind, default: value } of pretrainSettings.settings()) {
      if (value === undefined) continue;
      const text = Array.isArray(value) ? value.join(",") : String(value);
      expect(parseText(kind, text), key).toEqual(value);
      const [{ given }] = configsWith(key);
      expect(valueAt(configSchema.parse(withValue(given, key, parseText(kind, text))), key), key).toEqual(
        value,
      );
    }
  });
});

it.each([
  ["data.crop", "a whole number from 8 to 1024", "n"],
  ["train.epochs", "a whole number from 1", "n"],
  ["saliency.threshold.deviations", "a number", "x"],
  ["train.lr", "a number above 0", "x"],
  ["train.momentum", "a number from 0 to 1", "x"],
  ["mask.highPass.noise", "two numbers from 0, as 0.1,0.4", "a,b"],
  ["augment.blurSigma", "two numbers from 0 to 100, the smaller first, as 0.1,0.4", "a,b"],
  ["mask.highPass.kernel", "an odd number from 1 to 1023", "n"],
  ["saliency.shuffled", "true or false", "true|false"],
  ["threads", "auto or a whole number from 1 to 1024", "auto|n"],
  ["occlusion.name", "one of none, adios, adios-s", "name"],
])("says what %s takes", (key, expected, placeholder) => {
  expect(expectedOf(kindOf(key))).toBe(expected);
  expect(placeholderOf(kindOf(key))).toBe(placeholder);
});
