import { expect, test } from "vitest";
import { detectionSettings } from "../../src/detection/settings.js";
import { goldensOf } from "./parts.js";

test("the defaults are torchvision's", () => {
  const goldens = goldensOf("defaults");
  const { shortSides, longSide, rpn, box } = detectionSettings.parse({});
  const own = {
    min_size: shortSides[0],
    max_size: longSide,
    rpn_pre_nms_top_n_train: rpn.candidatesInTraining,
    rpn_pre_nms_top_n_test: rpn.candidates,
    rpn_post_nms_top_n_train: rpn.proposalsInTraining,
    rpn_post_nms_top_n_test: rpn.proposals,
    rpn_nms_thresh: rpn.nmsOverlap,
    rpn_fg_iou_thresh: rpn.positiveOverlap,
    rpn_bg_iou_thresh: rpn.negativeOverlap,
    rpn_batch_size_per_image: rpn.samples,
    rpn_positive_fraction: rpn.positiveShare,
    box_score_thresh: box.leastScore,
    box_nms_thresh: box.nmsOverlap,
    box_detections_per_img: box.detections,
    box_fg_iou_thresh: box.positiveOverlap,
    box_batch_size_per_image: box.samples,
    box_positive_fraction: box.positiveShare,
  };
  for (const [name, value] of Object.entries(own)) expect(value, name).toBeCloseTo(goldens.array(name)[0], 6);
});

test("a setting that cannot be is refused", () => {
  for (const bad of [
    { shortSides: [] },
    { shortSides: [800, 1e6] },
    { longSide: 1e6 },
    { anchorSizes: [0] },
    { rpn: { positiveShare: 1.1 } },
    { design: "yolo" },
  ])
    expect(detectionSettings.safeParse(bad).success).toBe(false);
});
