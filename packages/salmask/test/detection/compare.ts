/** A detector beside torchvision's: names, what it finds, its losses and their gradients. */
import { type nn, ops, scope, type Tensor, tensor, zeros } from "@salmask/torch";
import { expect } from "vitest";
import { type Goldens, relativeError } from "../../../torch/test/support/goldens.js";
import type { Decisions } from "../../src/detection/decisions.js";
import { pasteMasks } from "../../src/detection/masks.js";
import type { Detector } from "../../src/detection/rcnn.js";
import { sizeOf } from "../../src/detection/resize.js";
import type { Candidates, Sample } from "../../src/detection/sampler.js";
import type { Truth } from "../../src/detection/targets.js";

const photosOf = (goldens: Goldens) => goldens.names("photo/").map((i) => goldens.tensor(`photo/${i}`));

/** Copies torchvision's weights in by name. Frozen norms there count no batches. */
export function loadGoldens(detector: Detector, goldens: Goldens): void {
  scope(() => {
    const own = Object.keys(detector.stateDict());
    const state: nn.StateDict = goldens.tensors("state/");
    for (const name of own) if (name.endsWith("num_batches_tracked")) state[name] ??= zeros([]);
    expect(Object.keys(state).sort()).toEqual(own.toSorted());
    detector.loadStateDict(state);
  });
}

/** Of each box the place of the nearest other one that is not taken, and the largest distance of any side. */
function nearest(boxes: Tensor, to: Tensor): { places: number[]; distance: number } {
  const apart = boxes.unsqueeze(1).sub(to.unsqueeze(0)).abs().amax({ dim: 2 }); // [boxes, to]
  const isTaken = new Set<number>();
  let distance = 0;
  const width = to.shape[0];
  const all = apart.toFloat32Array();
  const places = Array.from({ length: boxes.shape[0] }, (_, i) => {
    const row = all.subarray(i * width, (i + 1) * width);
    let best = -1;
    for (const [j, value] of row.entries()) if (!isTaken.has(j) && (best < 0 || value < row[best])) best = j;
    isTaken.add(best);
    distance = Math.max(distance, row[best]);
    return best;
  });
  return { places, distance };
}

/** The same detections to 1e-3, whatever the order of almost equal scores. */
export function expectSameDetections(detector: Detector, goldens: Goldens): void {
  scope(() => {
    const photos = photosOf(goldens);
    const found = detector.forward(photos);
    expect(detector.training).toBe(true); // as it was
    for (const [i, { boxes, scores, labels, masks }] of found.entries()) {
      const expected = goldens.tensors(`found/${i}/`);
      const count = expected.boxes.shape[0];
      // Enough to tell right from wrong, and boxes of several classes.
      expect(count, `detections of photo ${i}`).toBeGreaterThan(4);
      expect(boxes.shape).toEqual([count, 4]);
      // Boxes of other classes are moved out of each other's reach.
      const key = (sides: Tensor, classes: Tensor) =>
        sides.add(classes.to({ dtype: "float32" }).mul(1000).unsqueeze(1));
      const { places } = nearest(key(expected.boxes, expected.labels), key(boxes, labels));
      const order = tensor(places, { dtype: "int64" }); // [count]
      const of = (values: Tensor) => values.indexSelect(0, order);
      goldens.expectClose(of(labels), `found/${i}/labels`, 0);
      goldens.expectClose(of(boxes), `found/${i}/boxes`, 1e-3);
      goldens.expectClose(of(scores), `found/${i}/scores`, 1e-3);
      if (expected.masks === undefined) {
        expect(masks).toBeNull();
        continue;
      }
      if (masks === null) throw new Error("expected masks, got none");
      const pasted = pasteMasks(of(masks), expected.boxes, sizeOf(photos[i]));
      goldens.expectClose(pasted.unsqueeze(1), `found/${i}/masks`, 1e-3);
    }
  });
}

/** What torchvision sampled: anchors by their places, proposals by their boxes. */
function sampledThere(goldens: Goldens, shortSide: number): Decisions {
  const anchors = (_: Candidates, photo: number): Sample => ({
    positives: Int32Array.from(goldens.array(`anchors/${photo}/positives`)),
    negatives: Int32Array.from(goldens.array(`anchors/${photo}/negatives`)),
  });
  const proposals = ({ labels, boxes }: Candidates, photo: number): Sample =>
    scope(() => {
      const { places, distance } = nearest(goldens.tensor(`proposals/${photo}/boxes`), boxes);
      expect(distance, "pixels between proposals").toBeLessThan(0.05);
      const expected = Array.from(goldens.array(`proposals/${photo}/labels`));
      expect(places.map((place) => labels[place])).toEqual(expected);
      const of = (isMeant: (label: number) => boolean) =>
        Int32Array.from(places.filter((place) => isMeant(labels[place])));
      return { positives: of((label) => label > 0), negatives: of((label) => label === 0) };
    });
  return { shortSide: () => shortSide, anchors, proposals };
}

export function truthsOf(goldens: Goldens): Truth[] {
  return goldens.names("photo/").map((i): Truth => {
    const masks = goldens.names(`truth/${i}/`).includes("masks");
    return {
      boxes: goldens.array(`truth/${i}/boxes`),
      labels: Int32Array.from(goldens.array(`truth/${i}/labels`)),
      masks: masks ? Uint8Array.from(goldens.array(`truth/${i}/masks`)) : null,
    };
  });
}

/**
 * The same losses to 1e-4, with what torchvision sampled of photos whose shorter side has so many pixels. Goes backward from
 * their sum.
 */
export function expectSameLosses(detector: Detector, goldens: Goldens, shortSide: number): void {
  scope(() => {
    const decisions = sampledThere(goldens, shortSide);
    const losses = detector.train().losses(photosOf(goldens), truthsOf(goldens), decisions);
    const named = {
      loss_classifier: losses.classifier,
      loss_box_reg: losses.boxRegression,
      loss_objectness: losses.objectness,
      loss_rpn_box_reg: losses.rpnBoxRegression,
      ...(losses.mask === null ? {} : { loss_mask: losses.mask }),
    };
    expect(Object.keys(named).sort()).toEqual(goldens.names("loss/").sort());
    for (const [name, loss] of Object.entries(named)) {
      expect(loss.item(), `${name} is of some size`).toBeGreaterThan(1e-3);
      goldens.expectClose(loss, `loss/${name}`, 1e-4);
    }
    ops.stack(Object.values(named)).sum().backward();
  });
}

/** Largest distance from the gradients of float64, in relative L2 of each parameter. */
const most = 1e-4;
/** torchvision's own float32 misses it in a few parameters; there ours may be so many times as far as torchvision's. */
const ofTheirs = 1.5;
/** No parameter may be further. */
const always = 1e-3;

/**
 * The names of parameters whose gradients are too far from those that torchvision's model has in float64, with the same weights,
 * photos, anchors and proposals. Each has a gradient where torchvision's has.
 */
export function farGradients(detector: Detector, goldens: Goldens): string[] {
  return scope(() => {
    const gradients: Record<string, Tensor> = {};
    for (const [name, { grad }] of detector.namedParameters()) if (grad !== null) gradients[name] = grad;
    expect(Object.keys(gradients).sort()).toEqual(goldens.names("gradient/").sort());
    return Object.keys(gradients).filter((name) => {
      const exact = goldens.array(`exact/gradient/${name}`);
      const ours = relativeError(gradients[name].toFloat32Array(), exact);
      const theirs = relativeError(goldens.array(`gradient/${name}`), exact);
      return !(ours <= Math.max(most, ofTheirs * theirs) && ours <= always);
    });
  });
}
