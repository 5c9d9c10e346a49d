import { fromTypedArray, KeyedRandom, scope, tensor } from "@salmask/torch";
import { expect, it } from "vitest";
import { objectLoss } from "../../../src/tasks/localize/object-loss.js";

const [batch, rows, cols] = [3, 2, 4];

function drawn(purpose: number, from: number, to: number): number[] {
  const random = new KeyedRandom(0, purpose);
  return Array.from({ length: batch * rows * cols }, () => random.uniformIn(from, to));
}

it("is the weighted cross-entropy plus one minus the weighted overlap, by the definitions", () => {
  const [logits, labels, places] = [drawn(1, -3, 3), drawn(2, 0, 1), drawn(3, 0, 1)];
  const photos = [0.2, 0, 0.9];
  const ofCrop = (crop: number) => {
    let [entropy, both, all] = [0, 0, 0];
    for (let i = crop * rows * cols; i < (crop + 1) * rows * cols; i++) {
      const p = 1 / (1 + Math.exp(-logits[i]));
      entropy -= places[i] * (labels[i] * Math.log(p) + (1 - labels[i]) * Math.log(1 - p));
      both += places[i] * p * labels[i];
      all += places[i] * (p + labels[i]);
    }
    return entropy / (rows * cols) + 1 - (both + 1) / (all - both + 1);
  };
  const expected = (0.2 * ofCrop(0) + 0.9 * ofCrop(2)) / 1.1;
  scope(() => {
    const [x, y, w] = [logits, labels, places].map((values) =>
      fromTypedArray(Float32Array.from(values), [batch, rows, cols]),
    );
    const targets = { labels: y, places: w };
    expect(objectLoss(x, { ...targets, photos: tensor(photos) }).item()).toBeCloseTo(expected, 5);
    expect(objectLoss(x, { ...targets, photos: tensor([0, 0, 0]) }).item()).toBe(0);
  });
});
