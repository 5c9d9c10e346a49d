import { scope } from "@salmask/torch";
import { describe, expect, test } from "vitest";
import {
  boxAreas,
  boxOverlaps,
  clipBoxes,
  groupedNms,
  placesOfLarge,
  scaleBoxes,
} from "../../src/detection/boxes.js";
import { goldensOf } from "./parts.js";

const goldens = goldensOf("boxes");

describe("boxes, as torchvision has them", () => {
  test("overlap, are clipped, and are kept where they are large", () => {
    scope(() => {
      const a = goldens.tensor("a"); // [20, 4]
      goldens.expectClose(boxOverlaps(a, goldens.tensor("b")), "overlaps", 1e-6);
      goldens.expectClose(clipBoxes(a.mul(1.3).sub(20), { height: 90, width: 100 }), "clipped", 1e-6);
      goldens.expectClose(placesOfLarge(a, 20), "large", 0);
    });
  });

  test.each(["300", "2500"])("%s in groups lose those that a better one of their group overlaps", (count) => {
    scope(() => {
      const [boxes, scores] = [goldens.tensor(`${count}/boxes`), goldens.tensor(`${count}/scores`)];
      const groups = goldens.tensor(`${count}/groups`).to({ dtype: "int64" });
      goldens.expectClose(groupedNms(boxes, scores, groups, 0.4), `${count}/kept`, 0);
    });
  });
});

test("none is kept of none", () => {
  scope(() => {
    const none = goldens.tensor("a").narrow(0, 0, 0);
    const scores = boxAreas(none);
    expect(groupedNms(none, scores, scores.to({ dtype: "int64" }), 0.5).shape).toEqual([0]);
    expect(boxOverlaps(none, goldens.tensor("b")).shape).toEqual([0, 33]);
  });
});

test("boxes of a picture twice as wide and half as high are twice as wide and half as high", () => {
  scope(() => {
    const boxes = goldens.tensor("a");
    const scaled = scaleBoxes(boxes, { height: 20, width: 10 }, { height: 10, width: 20 });
    expect(boxAreas(scaled).sub(boxAreas(boxes)).abs().amax().item()).toBeLessThan(1e-2);
    expect(scaled.select(1, 2).toArray()).toEqual(boxes.select(1, 2).mul(2).toArray());
  });
});
