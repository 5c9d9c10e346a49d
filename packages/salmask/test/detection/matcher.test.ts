import { scope } from "@salmask/torch";
import { expect, test } from "vitest";
import { match } from "../../src/detection/matcher.js";
import { goldensOf } from "./parts.js";

const goldens = goldensOf("matcher");

test.each([
  ["strict", false],
  ["lenient", true],
])("boxes are matched as torchvision matches them: %s", (name, allowLowQuality) => {
  scope(() => {
    const matched = match(goldens.tensor("overlaps"), { high: 0.7, low: 0.3, allowLowQuality }); // [boxes]
    goldens.expectClose(matched, name, 0);
    // The case has all there is: objects, background, what is neither, and an object that no box shows well.
    const found = new Set(matched.toArray());
    for (const label of [-2, -1, 0, 4]) expect(found).toContain(label);
    expect(found.has(2)).toBe(allowLowQuality);
  });
});
