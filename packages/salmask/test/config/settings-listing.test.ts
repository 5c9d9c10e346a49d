import { expect, it } from "vitest";
import { pretrainSettings } from "../../src/config/schema.js";
import { settingsListing } from "../../src/config/settings.generated.js";
import { detectSettings } from "../../src/tasks/detect/settings.js";
import { finetuneSettings } from "../../src/tasks/finetune/settings.js";

it("is what the schemas say of every kind of settings", () => {
  const kinds = [pretrainSettings, finetuneSettings, detectSettings];
  const live = Object.fromEntries(kinds.map(({ name, settings }) => [name, settings()]));
  const mend =
    "settings.generated.ts is out of date. Run: npx tsx packages/salmask/scripts/generate-settings.ts";
  expect(settingsListing, mend).toStrictEqual(live);
});
