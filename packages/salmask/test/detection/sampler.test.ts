import { KeyedRandom, zeros } from "@salmask/torch";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyedDecisions } from "../../src/detection/decisions.js";
import { balancedSampler } from "../../src/detection/sampler.js";
import { detectionSettings } from "../../src/detection/settings.js";

function sampled(labels: number[], samples: number, positiveShare: number, seed = 0) {
  using boxes = zeros([labels.length, 4]);
  const sampler = balancedSampler({ samples, positiveShare }, (photo) => new KeyedRandom(seed, photo));
  return sampler({ labels: Int32Array.from(labels), boxes }, 3);
}

test("positives up to their share, negatives up to the number, each once, none that is passed over", () => {
  const label = fc.integer({ min: -2, max: 4 });
  fc.assert(
    fc.property(fc.array(label, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (labels, samples) => {
      const { positives, negatives } = sampled(labels, samples, 0.25);
      const count = (isMeant: (label: number) => boolean) => labels.filter(isMeant).length;
      expect(positives.length).toBe(
        Math.min(
          Math.floor(samples / 4),
          count((of) => of > 0),
        ),
      );
      expect(negatives.length).toBe(
        Math.min(
          samples - positives.length,
          count((of) => of === 0),
        ),
      );
      expect(Array.from(positives).every((place) => labels[place] > 0)).toBe(true);
      expect(Array.from(negatives).every((place) => labels[place] === 0)).toBe(true);
      for (const places of [positives, negatives]) {
        expect(new Set(places).size).toBe(places.length);
        expect(places).toEqual(places.toSorted());
      }
    }),
  );
});

test("every candidate is as likely", () => {
  const times = new Array<number>(10).fill(0);
  const labels = times.map(() => 0);
  const draws = 4000;
  for (let seed = 0; seed < draws; seed++)
    for (const place of sampled(labels, 3, 0.5, seed).negatives) times[place]++;
  // Within five standard deviations of a binomial.
  const mean = draws * 0.3;
  for (const time of times) expect(Math.abs(time - mean)).toBeLessThan(5 * Math.sqrt(mean * 0.7));
});

test("a photo's decisions depend on its number and the epoch, not on its place in the batch", () => {
  const settings = detectionSettings.parse({ shortSides: [480, 512, 544, 576, 608, 640] });
  const of = (epoch: number, ...ids: number[]) =>
    keyedDecisions(settings, { seed: 7, epoch, ids: Int32Array.from(ids) });
  const labels = Int32Array.from({ length: 4000 }, (_, i) => i % 2);
  using boxes = zeros([labels.length, 4]);
  const a = of(2, 30, 11);
  const b = of(2, 11);
  const c = of(3, 11);
  expect(a.anchors({ labels, boxes }, 1)).toEqual(b.anchors({ labels, boxes }, 0));
  expect(a.anchors({ labels, boxes }, 1)).not.toEqual(a.anchors({ labels, boxes }, 0));
  expect(b.anchors({ labels, boxes }, 0)).not.toEqual(c.anchors({ labels, boxes }, 0));
  expect(a.shortSide(1)).toBe(b.shortSide(0));
  const sides = Array.from({ length: 60 }, (_, id) => of(0, id).shortSide(0));
  expect(new Set(sides)).toEqual(new Set(settings.shortSides));
});
