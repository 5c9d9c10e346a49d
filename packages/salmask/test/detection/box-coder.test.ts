import { ops, scope } from "@salmask/torch";
import { describe, expect, test } from "vitest";
import { anchorCoder, proposalCoder } from "../../src/detection/box-coder.js";
import { goldensOf } from "./parts.js";

const goldens = goldensOf("coder");

describe.each([
  ["anchor", anchorCoder],
  ["proposal", proposalCoder],
])("changes of an %s", (name, coder) => {
  test("are torchvision's, both ways", () => {
    scope(() => {
      const proposals = goldens.tensor("proposals"); // [N, 4]
      const encoded = coder.encode(goldens.tensor("reference"), proposals);
      goldens.expectClose(encoded, `encoded/${name}`, 1e-6);
      goldens.expectClose(coder.decode(goldens.tensor("changes"), proposals), `decoded/${name}`, 1e-6);
    });
  });

  test("give back what they were made from, in batches too", () => {
    scope(() => {
      const [reference, proposals] = [goldens.tensor("reference"), goldens.tensor("proposals")];
      const encoded = coder.encode(reference, proposals);
      const decoded = coder.decode(ops.stack([encoded, encoded]), proposals); // [2, N, 1, 4]
      expect(decoded.shape).toEqual([2, 50, 1, 4]);
      expect(decoded.squeeze(2).sub(reference).abs().amax().item()).toBeLessThan(1e-3);
    });
  });
});
