import { scope, tensor } from "@salmask/torch";
import { expect, test } from "vitest";
import { masksOfLabels, maskTargets, pasteMasks } from "../../src/detection/masks.js";
import { goldensOf } from "./parts.js";

const goldens = goldensOf("masks");

test("masks are pasted into the photo as torchvision pastes them", () => {
  scope(() => {
    const pasted = pasteMasks(goldens.tensor("chances"), goldens.tensor("boxes"), { height: 60, width: 80 });
    goldens.expectClose(pasted, "pasted", 1e-5);
  });
});

test("what a proposal is to learn is what the object's mask shows in it, as in torchvision", () => {
  scope(() => {
    const objects = Int32Array.from(goldens.array("objects"));
    const sample = { boxes: goldens.tensor("boxes"), objects, labels: objects };
    goldens.expectClose(maskTargets(sample, goldens.tensor("truths"), 28), "targets", 1e-5);
  });
});

test("each region has the mask of its label", () => {
  scope(() => {
    const masks = tensor(Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => i)).reshape([2, 3, 2, 2]);
    expect(masksOfLabels(masks, [2, 1]).toArray()).toEqual([8, 9, 10, 11, 16, 17, 18, 19]);
  });
});
